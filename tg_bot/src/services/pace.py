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
        self._overall = AsyncLimiter(max(1.0, settings.telegram_rate_overall), 1.0)
        self._has_overall = settings.telegram_rate_overall > 0
        self._chats: dict[int, AsyncLimiter] = {}
        self._tidy_at = _TIDY_AT

    async def wait(self, chat_id: int) -> None:
        """Until a message may go to this chat."""
        limiter = self._of(chat_id)
        if limiter is not None:
            await limiter.acquire()
        if self._has_overall:
            await self._overall.acquire()

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
            rate, burst, seconds = self._per_group, self._per_group, GROUP_SECONDS
        else:
            rate, burst = self._per_chat, max(1.0, BURST)
            seconds = burst / rate if rate else 0.0
        return AsyncLimiter(max(1.0, burst), seconds) if rate else None

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
