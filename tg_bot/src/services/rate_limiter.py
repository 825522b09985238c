"""Rate limits for sending: overall, per private chat, and per group."""

import time
from typing import Literal

from aiolimiter import AsyncLimiter

from ..config.settings import TgBotSettings
from ..metrics import RATE_LIMIT_WAIT_SECONDS

CHAT_BURST = 3.0
"""Messages that may be sent to a private chat at once."""

GROUP_BURST = 5.0
GROUP_SECONDS = 60.0
_EVICT_AT = 256


class TelegramRateLimiter:
    """Delays requests that send or edit messages, to stay within Telegram's limits."""

    def __init__(self, settings: TgBotSettings) -> None:
        self._per_chat = settings.telegram_rate_per_chat
        self._per_group = settings.telegram_rate_per_group
        # Telegram counts each second: a burst would come on top of the second's rate
        self._overall = _make_limiter(settings.telegram_rate_overall, burst=1.0)
        self._chats: dict[int, AsyncLimiter] = {}
        self._evict_at = _EVICT_AT

    async def acquire(self, chat_id: int) -> None:
        """Wait until a message may be sent to this chat."""
        await _acquire_measured(self._limiter_for(chat_id), "group" if chat_id < 0 else "chat")
        await _acquire_measured(self._overall, "overall")

    async def try_acquire(self) -> bool:
        """Return at once whether an optional request may be sent now; it counts only overall."""
        if self._overall is None:
            return True
        if not self._overall.has_capacity():
            return False
        await self._overall.acquire()
        return True

    def _limiter_for(self, chat_id: int) -> AsyncLimiter | None:
        limiter = self._chats.get(chat_id) or self._build_limiter(chat_id)
        if limiter is not None and chat_id not in self._chats:
            self._evict_idle()
            self._chats[chat_id] = limiter
        return limiter

    def _build_limiter(self, chat_id: int) -> AsyncLimiter | None:
        """Build a chat's limiter. A group's burst reduces its rate: Telegram counts each minute."""
        if chat_id >= 0:
            return _make_limiter(self._per_chat, burst=CHAT_BURST)
        burst = max(1.0, min(GROUP_BURST, self._per_group / 2))
        rest = self._per_group - (burst - 1.0)
        return _make_limiter(rest / GROUP_SECONDS if self._per_group else 0.0, burst=burst)

    def _evict_idle(self) -> None:
        """Drop the limiters that have their full capacity again."""
        if len(self._chats) < self._evict_at:
            return
        self._chats = {
            chat_id: limiter
            for chat_id, limiter in self._chats.items()
            if not limiter.has_capacity(limiter.max_rate)
        }
        self._evict_at = max(_EVICT_AT, 2 * len(self._chats))


async def _acquire_measured(
    limiter: AsyncLimiter | None, limit: Literal["overall", "chat", "group"]
) -> None:
    if limiter is None:
        return
    is_delayed = not limiter.has_capacity()
    started = time.monotonic()
    await limiter.acquire()
    if is_delayed:
        RATE_LIMIT_WAIT_SECONDS.labels(limit).observe(time.monotonic() - started)


def _make_limiter(rate: float, *, burst: float) -> AsyncLimiter | None:
    """Return a limiter for a rate per second, with a burst of at least 1; None if unlimited."""
    max_burst = max(1.0, burst)
    return AsyncLimiter(max_burst, max_burst / rate) if rate else None
