"""Flood limits: who calls too often waits as long as `retry_after` says."""

import math
import time
from collections import deque
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
    """Rates a second with their bursts, and the most that any minute of a group and any second over
    all chats holds; 0 is no limit.

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
    """Refills at a rate up to a size: an average that leaves room for a burst."""

    def __init__(self, rate: float, size: float, now: float) -> None:
        self._rate = rate
        self._size = max(1.0, size)
        self._tokens = self._size
        self._at = now

    def wait(self, now: float) -> float:
        """Seconds until the next call may come; 0 = now."""
        self._tokens = min(self._size, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return max(0.0, (1.0 - self._tokens) / self._rate)

    def spend(self, _: float) -> None:
        """One call was carried out."""
        self._tokens -= 1.0


class Window:
    """So many in any stretch of so many seconds, wherever it begins: a limit and no average."""

    def __init__(self, most: float, seconds: float) -> None:
        whole = max(1, int(most))
        self._seconds = seconds * max(1.0, whole / most)
        self._spent = deque[float](maxlen=whole)

    def wait(self, now: float) -> float:
        """Seconds until the next call may come; 0 = now."""
        if len(self._spent) < (self._spent.maxlen or 0):
            return 0.0
        return max(0.0, self._spent[0] + self._seconds - now)

    def spend(self, now: float) -> None:
        """One call was carried out."""
        self._spent.append(now)


class Meter:
    """A limit a chat for messages, one for signals, and one for messages over all chats."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.set(Limits())

    def set(self, limits: Limits) -> None:
        """Other limits, from now on; what was counted is forgotten."""
        self.limits = limits
        self._overall = Window(limits.overall, 1.0) if limits.overall else None
        self._chats: dict[tuple[str, int], Bucket | Window] = {}
        self._shut_until: dict[tuple[str, int], float] = {}

    def check(self, kind: str, chat_id: int) -> None:
        """Raises BotApiError 429 where a call of this kind comes too early.

        The chat that was refused stays shut for the whole seconds that it was told; others go on.
        """
        now = self._clock()
        seconds = math.ceil(self._shut_until.get((kind, chat_id), now) - now)
        if seconds <= 0:
            waits = [one.wait(now) for one in self._of(kind, chat_id, now)]
            seconds = math.ceil(max(waits, default=0))
            self._shut_until[kind, chat_id] = now + seconds
        if seconds:
            raise too_many(seconds)

    def spend(self, kind: str, chat_id: int) -> None:
        """A call of this kind was carried out."""
        now = self._clock()
        for one in self._of(kind, chat_id, now):
            one.spend(now)

    def _of(self, kind: str, chat_id: int, now: float) -> list[Bucket | Window]:
        key = kind, chat_id
        if key not in self._chats and (made := self._made_for(kind, chat_id, now)):
            self._chats[key] = made
        found = [self._chats[key]] if key in self._chats else []
        return [*found, self._overall] if kind == MESSAGE and self._overall else found

    def _made_for(self, kind: str, chat_id: int, now: float) -> Bucket | Window | None:
        limits = self.limits
        if kind == SIGNAL:
            return Bucket(limits.signals, limits.signal_burst, now) if limits.signals else None
        if chat_id < 0:
            return Window(limits.per_group, GROUP_SECONDS) if limits.per_group else None
        return Bucket(limits.per_chat, limits.burst, now) if limits.per_chat else None
