"""Flood limits: who calls too often waits as long as `retry_after` says."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from sandbox.telegram.errors import too_many

GROUP_SECONDS = 60.0
MESSAGE = "message"
"""What sends or edits a message; the page of limits counts both together."""
SIGNAL = "signal"
"""Drafts and chat actions, which are one call underneath."""


@dataclass(frozen=True)
class Limits:
    """Rates a second (a minute for groups) and bursts; 0 is no limit.

    Documented are about 1 message a second in a chat with short bursts, 20 a minute in a group and
    30 a second over all; the bursts and the rate of drafts are what projects report.
    """

    per_chat: float = 1.0
    burst: int = 5
    signals: float = 1.0
    signal_burst: int = 5
    per_group: float = 20.0
    overall: float = 30.0

    def to_json(self) -> dict[str, float]:
        """For the route that changes them."""
        return asdict(self)


class Bucket:
    """Refills at a rate up to a size; after a refusal it stays shut for the whole seconds told."""

    def __init__(self, rate: float, size: float, now: float) -> None:
        self._rate = rate
        self._size = max(1.0, size)
        self._tokens = self._size
        self._at = now
        self._shut_until = 0.0

    def wait(self, now: float) -> int:
        """Whole seconds until the next call may come; 0 = now."""
        self._tokens = min(self._size, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if now < self._shut_until:
            return math.ceil(self._shut_until - now)
        if self._tokens >= 1.0:
            return 0
        seconds = math.ceil((1.0 - self._tokens) / self._rate)
        self._shut_until = now + seconds
        return seconds

    def spend(self) -> None:
        """One call was carried out."""
        self._tokens -= 1.0


class Meter:
    """One bucket a chat for messages, one for signals, one for messages over all chats."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.set(Limits())

    def set(self, limits: Limits) -> None:
        """Other limits, from now on; what was counted is forgotten."""
        self.limits = limits
        self._buckets: dict[tuple[str, int], Bucket] = {}

    def check(self, kind: str, chat_id: int) -> None:
        """Raises BotApiError 429 where a call of this kind comes too early."""
        now = self._clock()
        seconds = max((one.wait(now) for one in self._of(kind, chat_id, now)), default=0)
        if seconds:
            raise too_many(seconds)

    def spend(self, kind: str, chat_id: int) -> None:
        """A call of this kind was carried out."""
        for bucket in self._of(kind, chat_id, self._clock()):
            bucket.spend()

    def _of(self, kind: str, chat_id: int, now: float) -> list[Bucket]:
        found = [self._bucket(kind, chat_id, *self._rate(kind, chat_id), now)]
        if kind == MESSAGE:
            overall = self.limits.overall
            found.append(self._bucket("overall", 0, overall, overall, now))
        return [bucket for bucket in found if bucket is not None]

    def _rate(self, kind: str, chat_id: int) -> tuple[float, float]:
        limits = self.limits
        if kind == SIGNAL:
            return limits.signals, limits.signal_burst
        if chat_id < 0:
            return limits.per_group / GROUP_SECONDS, limits.per_group
        return limits.per_chat, limits.burst

    def _bucket(
        self, kind: str, chat_id: int, rate: float, size: float, now: float
    ) -> Bucket | None:
        if not rate:
            return None
        return self._buckets.setdefault((kind, chat_id), Bucket(rate, size, now))
