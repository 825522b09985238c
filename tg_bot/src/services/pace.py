"""How fast the bot sends: over all chats, in one chat, in one group."""

import time
from typing import Literal

from aiolimiter import AsyncLimiter

from ..config.settings import TgBotSettings
from ..metrics import PACE_SECONDS

BURST = 3.0
"""Messages that a private chat takes at once."""

GROUP_BURST = 5.0
GROUP_SECONDS = 60.0
_TIDY_AT = 256


class Pace:
    """Waits as long as Telegram's limits want it. Whatever sends or edits a message waits here."""

    def __init__(self, settings: TgBotSettings) -> None:
        self._per_chat = settings.telegram_rate_per_chat
        self._per_group = settings.telegram_rate_per_group
        # a second is a limit and no average: what went at once would come on top of it
        self._overall = _limiter(settings.telegram_rate_overall, burst=1.0)
        self._chats: dict[int, AsyncLimiter] = {}
        self._tidy_at = _TIDY_AT

    async def wait(self, chat_id: int) -> None:
        """Until a message may go to this chat."""
        await _acquire(self._of(chat_id), "group" if chat_id < 0 else "chat")
        await _acquire(self._overall, "overall")

    async def has_room(self) -> bool:
        """Whether what can be left out may go now, to a chat that is not counted for it.

        What has to go is not held up by more than one such.
        """
        if self._overall is None:
            return True
        if not self._overall.has_capacity():
            return False
        await self._overall.acquire()
        return True

    def _of(self, chat_id: int) -> AsyncLimiter | None:
        limiter = self._chats.get(chat_id)
        if limiter is None:
            limiter = self._made_for(chat_id)
            if limiter is not None:
                self._tidy()
                self._chats[chat_id] = limiter
        return limiter

    def _made_for(self, chat_id: int) -> AsyncLimiter | None:
        """A group's minute is a limit and no average: what goes at once is missing afterwards."""
        if chat_id >= 0:
            return _limiter(self._per_chat, burst=BURST)
        burst = max(1.0, min(GROUP_BURST, self._per_group / 2))
        rest = self._per_group - (burst - 1.0)
        return _limiter(rest / GROUP_SECONDS if self._per_group else 0.0, burst=burst)

    def _tidy(self) -> None:
        """Forget the chats that have been quiet long enough to begin anew."""
        if len(self._chats) < self._tidy_at:
            return
        self._chats = {
            chat_id: limiter
            for chat_id, limiter in self._chats.items()
            if not limiter.has_capacity(limiter.max_rate)
        }
        self._tidy_at = max(_TIDY_AT, 2 * len(self._chats))


async def _acquire(
    limiter: AsyncLimiter | None, limit: Literal["overall", "chat", "group"]
) -> None:
    if limiter is None:
        return
    if limiter.has_capacity():
        await limiter.acquire()
        return
    begun = time.monotonic()
    await limiter.acquire()
    PACE_SECONDS.labels(limit).observe(time.monotonic() - begun)


def _limiter(rate: float, *, burst: float) -> AsyncLimiter | None:
    """So many a second, and at least one at once; None: no limit."""
    most = max(1.0, burst)
    return AsyncLimiter(most, most / rate) if rate else None
