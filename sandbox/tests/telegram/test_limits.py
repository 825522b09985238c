"""Flood limits: one bucket a chat for messages and edits, one for drafts and typing."""

from collections.abc import Iterator
from itertools import count, repeat

import pytest

from sandbox.telegram.errors import BotApiError
from sandbox.telegram.meter import MESSAGE, SIGNAL, Limits, Meter
from sandbox.tests.sandbox_harness import ALICE, BOB, BotRefused, SandboxHarness

GROUP = -100


class Clock:
    """Seconds that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _calls(meter: Meter, kind: str, chat_id: int, count: int) -> int:
    """How many of so many calls are let through."""
    done = 0
    for _ in range(count):
        try:
            meter.check(kind, chat_id)
        except BotApiError:
            continue
        meter.spend(kind, chat_id)
        done += 1
    return done


def test_a_chat_takes_a_burst_of_five_then_one_a_second() -> None:
    clock = Clock()
    meter = Meter(clock)
    assert _calls(meter, MESSAGE, ALICE, 10) == 5
    assert _calls(meter, MESSAGE, BOB, 10) == 5
    clock.now += 1.0
    assert _calls(meter, MESSAGE, ALICE, 10) == 1


def test_drafts_and_typing_have_a_bucket_of_their_own() -> None:
    meter = Meter(Clock())
    assert _calls(meter, MESSAGE, ALICE, 10) == 5
    assert _calls(meter, SIGNAL, ALICE, 10) == 5


def test_a_group_takes_twenty_a_minute() -> None:
    clock = Clock()
    meter = Meter(clock)
    assert _calls(meter, MESSAGE, GROUP, 30) == 20
    clock.now += 59.0
    assert _calls(meter, MESSAGE, GROUP, 30) == 0
    clock.now += 1.0
    assert _calls(meter, MESSAGE, GROUP, 30) == 20


def test_all_chats_together_take_thirty_a_second() -> None:
    clock = Clock()
    meter = Meter(clock)
    assert sum(_calls(meter, MESSAGE, chat, 1) for chat in range(1, 100)) == 30
    clock.now += 1.0
    assert sum(_calls(meter, MESSAGE, chat, 1) for chat in range(200, 300)) == 30


def _passed(meter: Meter, clock: Clock, chats: Iterator[int], seconds: float) -> list[float]:
    """When calls pass that come every 1/64 of a second, each in the next of the chats."""
    passed = []
    for tick in range(int(seconds * 64)):
        clock.now = tick / 64
        passed += [clock.now] * _calls(meter, MESSAGE, next(chats), 1)
    return passed


def _fullest(times: list[float], seconds: float) -> int:
    """How many lie in the fullest stretch of so many seconds, its end not counted."""
    return max(sum(first <= one < first + seconds for one in times) for first in times)


def test_no_second_holds_more_than_thirty_and_no_minute_of_a_group_more_than_twenty() -> None:
    clock = Clock()
    meter = Meter(clock)
    everybody = _passed(meter, clock, count(1), 4.0)
    assert (_fullest(everybody, 1.0), len(everybody)) == (30, 4 * 30)

    clock.now = 0.0
    meter.set(Limits(overall=0))
    paced = _passed(meter, clock, repeat(GROUP), 130.0)
    assert (_fullest(paced, 60.0), len(paced)) == (20, 3 * 20)


@pytest.mark.parametrize(
    ("most", "passed"), [(0.5, [0, 2, 4]), (2.5, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4])]
)
def test_a_limit_below_one_or_with_a_fraction_is_kept_to(most: float, passed: list[float]) -> None:
    clock = Clock()
    meter = Meter(clock)
    meter.set(Limits(overall=most))
    chats = count(1)
    seen = []
    for clock.now in range(5):
        seen += [clock.now] * sum(_calls(meter, MESSAGE, next(chats), 1) for _ in range(9))
    assert seen == passed


def test_one_chat_that_was_refused_does_not_shut_the_others() -> None:
    clock = Clock()
    meter = Meter(clock)
    meter.set(Limits(overall=1))
    assert _calls(meter, MESSAGE, ALICE, 1) == 1
    clock.now = 0.5
    assert _calls(meter, MESSAGE, BOB, 1) == 0
    clock.now = 1.0
    assert _calls(meter, MESSAGE, BOB, 1) == 0
    assert _calls(meter, MESSAGE, ALICE, 1) == 1


def test_who_was_refused_waits_the_whole_time_it_was_told() -> None:
    clock = Clock()
    meter = Meter(clock)
    meter.set(Limits(per_chat=0.1, burst=1))
    _calls(meter, MESSAGE, ALICE, 1)
    clock.now = 0.5
    with pytest.raises(BotApiError) as refused:
        meter.check(MESSAGE, ALICE)
    assert refused.value.parameters == {"retry_after": 10}
    clock.now = 10.2
    with pytest.raises(BotApiError) as refused:
        meter.check(MESSAGE, ALICE)
    assert refused.value.parameters == {"retry_after": 1}
    clock.now = 10.5
    meter.check(MESSAGE, ALICE)


def test_without_limits_nothing_is_refused() -> None:
    meter = Meter(Clock())
    meter.set(Limits(per_chat=0, signals=0, per_group=0, overall=0))
    for kind in (MESSAGE, SIGNAL):
        assert _calls(meter, kind, ALICE, 1000) == 1000


async def test_edits_count_as_messages_and_the_refusal_says_how_long(
    sandbox: SandboxHarness,
) -> None:
    await sandbox.limits(per_chat=0.001, burst=2)
    sent = await sandbox.bot("sendMessage", chat_id=ALICE, text="x")
    where = {"chat_id": ALICE, "message_id": sent["message_id"]}
    await sandbox.bot("editMessageText", text="y", **where)
    with pytest.raises(BotRefused) as refused:
        await sandbox.bot("editMessageText", text="z", **where)
    seconds = refused.value.parameters["retry_after"]
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, str(seconds))
    assert refused.value.description == f"Too Many Requests: retry after {seconds}"
    assert 900 <= seconds <= 1000
    await sandbox.bot("sendMessage", chat_id=BOB, text="others go on")


async def test_a_call_that_is_wrong_costs_nothing(sandbox: SandboxHarness) -> None:
    await sandbox.limits(per_chat=0.01, burst=1, signals=0.01, signal_burst=1)
    with pytest.raises(BotRefused, match="message text is empty"):
        await sandbox.bot("sendMessage", chat_id=ALICE, text="")
    await sandbox.bot("sendMessage", chat_id=ALICE, text="x")
    await sandbox.bot("sendChatAction", chat_id=ALICE, action="typing")
    with pytest.raises(BotRefused, match="Too Many Requests"):
        await sandbox.bot("sendMessageDraft", chat_id=ALICE, draft_id=1, text="x")


async def test_the_limits_can_be_read_and_changed(sandbox: SandboxHarness) -> None:
    await sandbox.limits(overall=0)
    assert await sandbox.page("GET", "/chat/api/limits") == {
        "per_chat": 1.0,
        "burst": 5,
        "signals": 1.0,
        "signal_burst": 5,
        "per_group": 20.0,
        "overall": 0,
    }
