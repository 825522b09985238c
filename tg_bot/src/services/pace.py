"""How fast the bot sends: over all chats, in one chat, in one group."""

from aiolimiter import AsyncLimiter

from ..config.settings import TgBotSettings

BURST = 3.0
"""Messages that a private chat takes at once."""

GROUP_SECONDS = 60.0
_TIDY_AT = 256


class Pace:
    """Waits as long as Telegram's limits want it."""

    def __init__(self, settings: TgBotSettings) -> None:
        self._per_chat = settings.telegram_rate_per_chat
        self._per_group = settings.telegram_rate_per_group
        overall = settings.telegram_rate_overall
        self._overall = _limiter(overall, burst=overall)
        self._chats: dict[int, AsyncLimiter] = {}
        self._tidy_at = _TIDY_AT

    async def wait(self, chat_id: int) -> None:
        """Until a message may go to this chat."""
        for limiter in (self._of(chat_id), self._overall):
            if limiter is not None:
                await limiter.acquire()

    def _of(self, chat_id: int) -> AsyncLimiter | None:
        limiter = self._chats.get(chat_id)
        if limiter is None:
            limiter = self._made_for(chat_id)
            if limiter is not None:
                self._tidy()
                self._chats[chat_id] = limiter
        return limiter

    def _made_for(self, chat_id: int) -> AsyncLimiter | None:
        if chat_id < 0:
            return _limiter(self._per_group / GROUP_SECONDS, burst=self._per_group)
        return _limiter(self._per_chat, burst=BURST)

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


def _limiter(rate: float, *, burst: float) -> AsyncLimiter | None:
    """So many a second, and at least one at once; None: no limit."""
    most = max(1.0, burst)
    return AsyncLimiter(most, most / rate) if rate else None
