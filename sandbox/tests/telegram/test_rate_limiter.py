"""Flood limits: per chat one for messages and edits, and one for drafts and chat actions."""

from collections.abc import Iterator
from itertools import count, repeat

import pytest

from sandbox.telegram.errors import BotApiError
from sandbox.telegram.rate_limiter import CHAT_ACTION, MESSAGE, FloodLimits, RateLimiter
from sandbox.tests.sandbox_harness import ALICE, BOB, BotApiRefused, SandboxHarness

GROUP = -100


class FakeClock:
    """A clock that tests set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _count_allowed(rate_limiter: RateLimiter, kind: str, chat_id: int, count: int) -> int:
    """Return how many of these calls are allowed."""
    allowed = 0
    for _ in range(count):
        try:
            rate_limiter.check(kind, chat_id)
        except BotApiError:
            continue
        rate_limiter.consume(kind, chat_id)
        allowed += 1
    return allowed


def test_chat_allows_a_burst_then_one_call_per_second() -> None:
    clock = FakeClock()
    rate_limiter = RateLimiter(clock)
    assert _count_allowed(rate_limiter, MESSAGE, ALICE, 10) == 5
    assert _count_allowed(rate_limiter, MESSAGE, BOB, 10) == 5
    clock.now += 1.0
    assert _count_allowed(rate_limiter, MESSAGE, ALICE, 10) == 1


def test_chat_actions_are_limited_separately() -> None:
    rate_limiter = RateLimiter(FakeClock())
    assert _count_allowed(rate_limiter, MESSAGE, ALICE, 10) == 5
    assert _count_allowed(rate_limiter, CHAT_ACTION, ALICE, 10) == 5


def test_group_allows_twenty_messages_per_minute() -> None:
    clock = FakeClock()
    rate_limiter = RateLimiter(clock)
    assert _count_allowed(rate_limiter, MESSAGE, GROUP, 30) == 20
    clock.now += 59.0
    assert _count_allowed(rate_limiter, MESSAGE, GROUP, 30) == 0
    clock.now += 1.0
    assert _count_allowed(rate_limiter, MESSAGE, GROUP, 30) == 20


def test_all_chats_allow_thirty_messages_per_second() -> None:
    clock = FakeClock()
    rate_limiter = RateLimiter(clock)
    assert sum(_count_allowed(rate_limiter, MESSAGE, chat, 1) for chat in range(1, 100)) == 30
    clock.now += 1.0
    assert sum(_count_allowed(rate_limiter, MESSAGE, chat, 1) for chat in range(200, 300)) == 30


def _collect_allowed_times(
    rate_limiter: RateLimiter, clock: FakeClock, chats: Iterator[int], seconds: float
) -> list[float]:
    """Call every 1/64 second, each time in the next chat; return the times of allowed calls."""
    passed = []
    for tick in range(int(seconds * 64)):
        clock.now = tick / 64
        passed += [clock.now] * _count_allowed(rate_limiter, MESSAGE, next(chats), 1)
    return passed


def _max_in_window(times: list[float], seconds: float) -> int:
    """Return the largest number of calls in any half-open interval of these seconds."""
    return max(sum(first <= moment < first + seconds for moment in times) for first in times)


def test_sliding_windows_hold_for_every_period() -> None:
    clock = FakeClock()
    rate_limiter = RateLimiter(clock)
    times = _collect_allowed_times(rate_limiter, clock, count(1), 4.0)
    assert (_max_in_window(times, 1.0), len(times)) == (30, 4 * 30)

    clock.now = 0.0
    rate_limiter.set_limits(FloodLimits(overall=0))
    paced = _collect_allowed_times(rate_limiter, clock, repeat(GROUP), 130.0)
    assert (_max_in_window(paced, 60.0), len(paced)) == (20, 3 * 20)


@pytest.mark.parametrize(
    ("most", "passed"), [(0.5, [0, 2, 4]), (2.5, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4])]
)
def test_fractional_limits_are_enforced(most: float, passed: list[float]) -> None:
    clock = FakeClock()
    rate_limiter = RateLimiter(clock)
    rate_limiter.set_limits(FloodLimits(overall=most))
    chats = count(1)
    seen = []
    for clock.now in range(5):
        seen += [clock.now] * sum(
            _count_allowed(rate_limiter, MESSAGE, next(chats), 1) for _ in range(9)
        )
    assert seen == passed


def test_refused_chat_does_not_block_other_chats() -> None:
    clock = FakeClock()
    rate_limiter = RateLimiter(clock)
    rate_limiter.set_limits(FloodLimits(overall=1))
    assert _count_allowed(rate_limiter, MESSAGE, ALICE, 1) == 1
    clock.now = 0.5
    assert _count_allowed(rate_limiter, MESSAGE, BOB, 1) == 0
    clock.now = 1.0
    assert _count_allowed(rate_limiter, MESSAGE, BOB, 1) == 0
    assert _count_allowed(rate_limiter, MESSAGE, ALICE, 1) == 1


def test_refused_chat_stays_blocked_for_retry_after() -> None:
    clock = FakeClock()
    rate_limiter = RateLimiter(clock)
    rate_limiter.set_limits(FloodLimits(per_chat=0.1, burst=1))
    _count_allowed(rate_limiter, MESSAGE, ALICE, 1)
    clock.now = 0.5
    with pytest.raises(BotApiError) as refused:
        rate_limiter.check(MESSAGE, ALICE)
    assert refused.value.parameters == {"retry_after": 10}
    clock.now = 10.2
    with pytest.raises(BotApiError) as refused:
        rate_limiter.check(MESSAGE, ALICE)
    assert refused.value.parameters == {"retry_after": 1}
    clock.now = 10.5
    rate_limiter.check(MESSAGE, ALICE)


def test_zero_limits_refuse_nothing() -> None:
    rate_limiter = RateLimiter(FakeClock())
    rate_limiter.set_limits(FloodLimits(per_chat=0, chat_actions=0, per_group=0, overall=0))
    for kind in (MESSAGE, CHAT_ACTION):
        assert _count_allowed(rate_limiter, kind, ALICE, 1000) == 1000


async def test_edits_count_as_messages_and_refusals_have_retry_after(
    sandbox: SandboxHarness,
) -> None:
    await sandbox.set_limits(per_chat=0.001, burst=2)
    sent = await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="x")
    where = {"chat_id": ALICE, "message_id": sent["message_id"]}
    await sandbox.call_bot_api("editMessageText", text="y", **where)
    with pytest.raises(BotApiRefused) as refused:
        await sandbox.call_bot_api("editMessageText", text="z", **where)
    seconds = refused.value.parameters["retry_after"]
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, str(seconds))
    assert refused.value.description == f"Too Many Requests: retry after {seconds}"
    assert 900 <= seconds <= 1000
    await sandbox.call_bot_api("sendMessage", chat_id=BOB, text="others go on")


async def test_invalid_call_consumes_no_limit(sandbox: SandboxHarness) -> None:
    await sandbox.set_limits(per_chat=0.01, burst=1, chat_actions=0.01, chat_action_burst=1)
    with pytest.raises(BotApiRefused, match="message text is empty"):
        await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="")
    await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="x")
    await sandbox.call_bot_api("sendChatAction", chat_id=ALICE, action="typing")
    with pytest.raises(BotApiRefused, match="Too Many Requests"):
        await sandbox.call_bot_api("sendMessageDraft", chat_id=ALICE, draft_id=1, text="x")


async def test_only_the_given_limits_change(sandbox: SandboxHarness) -> None:
    limits = {"burst": 2, "overall": 0}
    assert await sandbox.call_chat_api("PUT", "/chat/api/limits", **limits) == {
        "per_chat": 1.0,
        "burst": 2,
        "chat_actions": 1.0,
        "chat_action_burst": 5,
        "per_group": 20.0,
        "overall": 0,
    }
