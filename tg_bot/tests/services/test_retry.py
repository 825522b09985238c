"""Retries of Telegram calls: the delays and the log lines."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from tg_bot.src.client.errors import (
    LeaseNotHeld,
    TelegramConflict,
    TelegramError,
    TelegramRejected,
    TelegramRetryAfter,
    TelegramUnauthorized,
    TelegramUnavailable,
)
from tg_bot.src.services.retry import TelegramRetrier

UNAVAILABLE = TelegramUnavailable("Bad Gateway", status=502)
UNAUTHORIZED = TelegramUnauthorized("Unauthorized", status=401)


class FakeCall:
    """A call that fails a given number of times, with pauses that end at once."""

    def __init__(self, *errors: TelegramError) -> None:
        self.errors = list(errors)
        self.calls = 0
        self.delays: list[float] = []
        self.stop = asyncio.Event()

    async def call(self) -> list[str]:
        """Return an empty list, which is a success too."""
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return []

    async def no_result(self) -> None:
        await self.call()

    async def sleep(self, stop: asyncio.Event, seconds: float) -> None:
        assert stop is self.stop
        self.delays.append(seconds)

    def make_retrier(
        self, on_error: Callable[[TelegramError], Awaitable[float]] | None = None
    ) -> TelegramRetrier:
        return TelegramRetrier(on_error, sleep=self.sleep)


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)


async def test_call_is_repeated_until_it_succeeds() -> None:
    caller = FakeCall(UNAVAILABLE, UNAVAILABLE, UNAVAILABLE)
    retrier = caller.make_retrier()

    await retrier.call_until_success(caller.no_result, caller.stop)

    assert caller.calls == 4
    assert caller.delays == [0.5, 1.0, 2.0]
    assert (retrier.last_error, retrier.consecutive_failures) == (None, 0)


async def test_call_is_not_repeated_after_a_stop() -> None:
    caller = FakeCall(UNAVAILABLE, UNAVAILABLE)

    async def recover(_: TelegramError) -> float:
        caller.stop.set()
        return 0.0

    await caller.make_retrier(recover).call_until_success(caller.no_result, caller.stop)
    assert caller.calls == 1

    await caller.make_retrier().call_until_success(caller.no_result, caller.stop)
    assert caller.calls == 1, "not even started"


@pytest.mark.parametrize(
    ("errors", "pauses"),
    [
        ([UNAVAILABLE] * 8, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]),
        ([TelegramConflict("another reader")] * 2, [0.5, 1.0]),
        ([TelegramRejected("what?")] * 2, [0.5, 1.0]),
        ([TelegramRetryAfter("slowly", retry_after=40)], [40.0]),
        (
            [UNAVAILABLE, UNAVAILABLE, TelegramRetryAfter("slowly", retry_after=0.1)],
            [0.5, 1.0, 2.0],
        ),
        ([UNAUTHORIZED, UNAUTHORIZED], [30.0, 30.0]),
        ([LeaseNotHeld()] * 3, [0.5, 0.5, 0.5]),
        ([LeaseNotHeld(), LeaseNotHeld(), UNAVAILABLE, UNAVAILABLE], [0.5, 0.5, 0.5, 1.0]),
    ],
    ids=["away", "conflict", "rejected", "429", "short 429", "token", "fenced", "fenced, away"],
)
async def test_each_error_type_has_its_delays(
    errors: list[TelegramError], pauses: list[float]
) -> None:
    caller = FakeCall(*errors)
    await caller.make_retrier().call_until_success(caller.no_result, caller.stop)
    assert caller.delays == pauses


@pytest.mark.parametrize(("at_least", "pause"), [(0.0, 0.5), (0.2, 0.5), (12.0, 12.0)])
async def test_error_hook_can_lengthen_the_delay(at_least: float, pause: float) -> None:
    caller, errors_seen = FakeCall(UNAVAILABLE), list[TelegramError]()

    async def recover(error: TelegramError) -> float:
        errors_seen.append(error)
        return at_least

    assert await caller.make_retrier(recover).call_once(caller.call, caller.stop) is None
    assert (errors_seen, caller.delays) == ([UNAVAILABLE], [pause])


async def test_success_resets_the_backoff() -> None:
    caller = FakeCall(UNAVAILABLE, UNAVAILABLE)
    retrier = caller.make_retrier()

    results = [await retrier.call_once(caller.call, caller.stop) for _ in range(2)]
    assert (results, retrier.last_error, retrier.consecutive_failures) == (
        [None, None],
        "Bad Gateway",
        2,
    )
    assert await retrier.call_once(caller.call, caller.stop) == []
    assert (retrier.last_error, retrier.consecutive_failures) == (None, 0)
    caller.errors = [UNAVAILABLE]
    assert await retrier.call_once(caller.call, caller.stop) is None

    assert caller.delays == [0.5, 1.0, 0.5]
    assert retrier.consecutive_failures == 1


async def test_each_new_error_and_its_end_are_logged_once() -> None:
    caller = FakeCall(UNAVAILABLE, UNAVAILABLE, UNAUTHORIZED, UNAUTHORIZED, UNAVAILABLE)
    retrier = caller.make_retrier()

    with capture_logs() as lines:
        for _ in range(7):
            await retrier.call_once(caller.call, caller.stop)

    assert [(line["log_level"], line["event"], line.get("reason")) for line in lines] == [
        ("error", "telegram unavailable", "Bad Gateway"),
        (
            "error",
            "telegram unavailable",
            "Telegram refuses the token (401); check TELEGRAM_TOKEN",
        ),
        ("error", "telegram unavailable", "Bad Gateway"),
        ("info", "telegram available again", None),
    ]


async def test_stop_interrupts_a_long_poll_without_an_error() -> None:
    caller, held, is_cancelled = FakeCall(), asyncio.Event(), False

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

    retrier = caller.make_retrier()
    asked = asyncio.create_task(retrier.call_once(hold, caller.stop))
    await held.wait()
    caller.stop.set()

    assert await asked is None
    assert is_cancelled
    assert (retrier.last_error, retrier.consecutive_failures, caller.delays) == (None, 0, [])


async def test_unexpected_errors_are_raised() -> None:
    caller = FakeCall()

    async def break_down() -> list[str]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await caller.make_retrier().call_once(break_down, caller.stop)
    assert len(asyncio.all_tasks()) == 1, "nothing is left behind"
