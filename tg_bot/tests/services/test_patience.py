"""Calling Telegram until it answers: how long the pauses are, and what is said of the trouble."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from tg_bot.src.client.errors import (
    TelegramConflict,
    TelegramError,
    TelegramFenced,
    TelegramRejected,
    TelegramRetryAfter,
    TelegramUnauthorized,
    TelegramUnavailable,
)
from tg_bot.src.services.patience import Patience

AWAY = TelegramUnavailable("Bad Gateway", status=502)
REFUSED = TelegramUnauthorized("Unauthorized", status=401)


class Caller:
    """A call that fails as often as it is told to, with pauses that pass at once."""

    def __init__(self, *errors: TelegramError) -> None:
        self.errors = list(errors)
        self.calls = 0
        self.pauses: list[float] = []
        self.stop = asyncio.Event()

    async def call(self) -> list[str]:
        """Nothing new: this is success too."""
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return []

    async def no_result(self) -> None:
        await self.call()

    async def pause(self, stop: asyncio.Event, seconds: float) -> None:
        assert stop is self.stop
        self.pauses.append(seconds)

    def patience(
        self, recover: Callable[[TelegramError], Awaitable[float]] | None = None
    ) -> Patience:
        return Patience(recover, pause=self.pause)


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)


async def test_a_call_is_repeated_until_it_has_succeeded_once() -> None:
    caller = Caller(AWAY, AWAY, AWAY)
    patience = caller.patience()

    await patience.until_it_works(caller.no_result, caller.stop)

    assert caller.calls == 4
    assert caller.pauses == [0.5, 1.0, 2.0]
    assert (patience.trouble, patience.failures) == (None, 0)


async def test_a_call_is_not_repeated_after_a_stop() -> None:
    caller = Caller(AWAY, AWAY)

    async def recover(_: TelegramError) -> float:
        caller.stop.set()
        return 0.0

    await caller.patience(recover).until_it_works(caller.no_result, caller.stop)
    assert caller.calls == 1

    await caller.patience().until_it_works(caller.no_result, caller.stop)
    assert caller.calls == 1, "nor even begun"


@pytest.mark.parametrize(
    ("errors", "pauses"),
    [
        ([AWAY] * 8, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]),
        ([TelegramConflict("another reader")] * 2, [0.5, 1.0]),
        ([TelegramRejected("what?")] * 2, [0.5, 1.0]),
        ([TelegramRetryAfter("slowly", retry_after=40)], [40.0]),
        ([AWAY, AWAY, TelegramRetryAfter("slowly", retry_after=0.1)], [0.5, 1.0, 2.0]),
        ([REFUSED, REFUSED], [30.0, 30.0]),
        ([TelegramFenced()] * 3, [0.5, 0.5, 0.5]),
        ([TelegramFenced(), TelegramFenced(), AWAY, AWAY], [0.5, 0.5, 0.5, 1.0]),
    ],
    ids=["away", "conflict", "rejected", "429", "short 429", "token", "fenced", "fenced, away"],
)
async def test_each_trouble_has_its_pauses(
    errors: list[TelegramError], pauses: list[float]
) -> None:
    caller = Caller(*errors)
    await caller.patience().until_it_works(caller.no_result, caller.stop)
    assert caller.pauses == pauses


@pytest.mark.parametrize(("at_least", "pause"), [(0.0, 0.5), (0.2, 0.5), (12.0, 12.0)])
async def test_who_recovers_from_a_trouble_may_want_a_longer_pause(
    at_least: float, pause: float
) -> None:
    caller, told = Caller(AWAY), list[TelegramError]()

    async def recover(error: TelegramError) -> float:
        told.append(error)
        return at_least

    assert await caller.patience(recover).once(caller.call, caller.stop) is None
    assert (told, caller.pauses) == ([AWAY], [pause])


async def test_success_ends_the_trouble_and_the_next_one_begins_with_a_short_pause() -> None:
    caller = Caller(AWAY, AWAY)
    patience = caller.patience()

    results = [await patience.once(caller.call, caller.stop) for _ in range(2)]
    assert (results, patience.trouble, patience.failures) == ([None, None], "Bad Gateway", 2)
    assert await patience.once(caller.call, caller.stop) == []
    assert (patience.trouble, patience.failures) == (None, 0)
    caller.errors = [AWAY]
    assert await patience.once(caller.call, caller.stop) is None

    assert caller.pauses == [0.5, 1.0, 0.5]
    assert patience.failures == 1


async def test_the_log_names_each_new_trouble_once_and_its_end() -> None:
    caller = Caller(AWAY, AWAY, REFUSED, REFUSED, AWAY)
    patience = caller.patience()

    with capture_logs() as lines:
        for _ in range(7):
            await patience.once(caller.call, caller.stop)

    assert [(line["log_level"], line["event"], line.get("reason")) for line in lines] == [
        ("error", "telegram cannot be read", "Bad Gateway"),
        (
            "error",
            "telegram cannot be read",
            "Telegram refuses the token (401); check TELEGRAM_TOKEN",
        ),
        ("error", "telegram cannot be read", "Bad Gateway"),
        ("info", "telegram answers again", None),
    ]


async def test_a_call_that_telegram_holds_ends_with_a_stop_and_is_no_trouble() -> None:
    caller, held, is_cancelled = Caller(), asyncio.Event(), False

    async def hold() -> list[str]:
        nonlocal is_cancelled
        held.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            for _ in range(5):  # its cleanup takes several steps of the loop
                await asyncio.sleep(0)
            is_cancelled = True
            raise
        raise AssertionError

    patience = caller.patience()
    asked = asyncio.create_task(patience.once(hold, caller.stop))
    await held.wait()
    caller.stop.set()

    assert await asked is None
    assert is_cancelled
    assert (patience.trouble, patience.failures, caller.pauses) == (None, 0, [])


async def test_what_is_no_trouble_of_telegrams_is_not_swallowed() -> None:
    caller = Caller()

    async def break_down() -> list[str]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await caller.patience().once(break_down, caller.stop)
    assert len(asyncio.all_tasks()) == 1, "nothing is left behind"
