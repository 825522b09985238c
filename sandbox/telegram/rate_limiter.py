"""Telegram's flood limits: a client that calls too often gets 429 with `retry_after`."""

import math
import time
from collections import deque
from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from sandbox.telegram.errors import too_many_requests

GROUP_WINDOW_SECONDS = 60.0
MESSAGE = "message"
"""Sending and editing messages, which Telegram counts together."""
CHAT_ACTION = "chat_action"
"""Drafts and chat actions, which Telegram counts together."""


Rate = Annotated[float, Field(ge=0, le=1_000_000)]


class FloodLimits(BaseModel):
    """Flood limits, as `PUT /chat/api/limits` takes them; 0 switches a limit off.

    Telegram documents about 1 message a second in a chat with short bursts, 20 a minute in a group
    and 30 a second over all chats. The bursts and the rate of drafts are field reports.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_chat: Rate = 1.0
    burst: NonNegativeInt = 5
    chat_actions: Rate = 1.0
    chat_action_burst: NonNegativeInt = 5
    per_group: Rate = 20.0
    """Messages in any minute."""
    overall: Rate = 30.0
    """Messages in any second, over all chats."""


class TokenBucket:
    """Token bucket: an average rate per second with room for a burst."""

    def __init__(self, rate: float, size: float, now: float) -> None:
        self._rate = rate
        self._size = self._tokens = max(1.0, size)
        self._refilled_at = now

    def next_delay(self, now: float) -> float:
        """Return the seconds until the next call is allowed; 0 means now."""
        self._tokens = min(self._size, self._tokens + (now - self._refilled_at) * self._rate)
        self._refilled_at = now
        return max(0.0, (1.0 - self._tokens) / self._rate)

    def consume(self, _: float) -> None:
        """Count an executed call."""
        self._tokens -= 1.0


class SlidingWindow:
    """Sliding window: at most `limit` calls in any period of `seconds`."""

    def __init__(self, limit: float, seconds: float) -> None:
        max_calls = max(1, int(limit))
        self._seconds = seconds * max(1.0, max_calls / limit)
        self._consumed_at = deque[float](maxlen=max_calls)

    def next_delay(self, now: float) -> float:
        """Return the seconds until the next call is allowed; 0 means now."""
        if len(self._consumed_at) < (self._consumed_at.maxlen or 0):
            return 0.0
        return max(0.0, self._consumed_at[0] + self._seconds - now)

    def consume(self, now: float) -> None:
        """Count an executed call."""
        self._consumed_at.append(now)


Limiter = TokenBucket | SlidingWindow


class RateLimiter:
    """Limits messages and chat actions per chat, and messages over all chats."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.set_limits(FloodLimits())

    def set_limits(self, limits: FloodLimits) -> None:
        """Replace the limits and reset all counters."""
        self.limits = limits
        self._overall = SlidingWindow(limits.overall, 1.0) if limits.overall else None
        self._chat_limiters: dict[tuple[str, int], Limiter | None] = {}
        self._blocked_until: dict[tuple[str, int], float] = {}

    def check(self, kind: str, chat_id: int) -> None:
        """Raise BotApiError 429 if a call of this kind comes too early.

        A refused chat stays blocked for the whole `retry_after`; other chats are not affected.
        """
        now = self._clock()
        seconds = math.ceil(self._blocked_until.get((kind, chat_id), now) - now)
        if seconds <= 0:
            delays = [limiter.next_delay(now) for limiter in self._limiters_for(kind, chat_id, now)]
            seconds = math.ceil(max(delays, default=0))
            self._blocked_until[kind, chat_id] = now + seconds
        if seconds:
            raise too_many_requests(seconds)

    def consume(self, kind: str, chat_id: int) -> None:
        """Count an executed call of this kind."""
        now = self._clock()
        for limiter in self._limiters_for(kind, chat_id, now):
            limiter.consume(now)

    def _limiters_for(self, kind: str, chat_id: int, now: float) -> list[Limiter]:
        if (kind, chat_id) not in self._chat_limiters:
            self._chat_limiters[kind, chat_id] = self._create_limiter(kind, chat_id, now)
        overall = self._overall if kind == MESSAGE else None
        return [limiter for limiter in (self._chat_limiters[kind, chat_id], overall) if limiter]

    def _create_limiter(self, kind: str, chat_id: int, now: float) -> Limiter | None:
        """Create the limiter of a chat; None if its limit is switched off."""
        limits = self.limits
        if kind == MESSAGE and chat_id < 0:
            rate = limits.per_group
            return SlidingWindow(rate, GROUP_WINDOW_SECONDS) if rate else None
        rate, burst = limits.per_chat, limits.burst
        if kind == CHAT_ACTION:
            rate, burst = limits.chat_actions, limits.chat_action_burst
        return TokenBucket(rate, burst, now) if rate else None
