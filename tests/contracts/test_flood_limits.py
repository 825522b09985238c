"""The rate limiter of tg_bot stays within the flood limits of the sandbox's Telegram."""

import asyncio

import pytest

from sandbox.telegram.rate_limiter import MESSAGE, RateLimiter
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.services.rate_limiter import TelegramRateLimiter

pytestmark = pytest.mark.clock("virtual")

SETTINGS = TgBotSettings.model_construct(
    telegram_rate_overall=30.0, telegram_rate_per_chat=1.0, telegram_rate_per_group=20.0
)
"""The defaults, independent of the developer's environment."""


async def send_message(bot: TelegramRateLimiter, telegram: RateLimiter, chat_id: int) -> float:
    """Send a message and return the time. Raises BotApiError 429 if it is sent too early."""
    await bot.acquire(chat_id)
    telegram.check(MESSAGE, chat_id)
    telegram.consume(MESSAGE, chat_id)
    return asyncio.get_running_loop().time()


def test_the_tested_settings_are_the_defaults() -> None:
    for name in ("overall", "per_chat", "per_group"):
        field = TgBotSettings.model_fields[f"telegram_rate_{name}"]
        assert field.default == getattr(SETTINGS, f"telegram_rate_{name}")


async def test_seventy_five_chats_at_once_are_answered_within_the_limits() -> None:
    bot, telegram = TelegramRateLimiter(SETTINGS), RateLimiter(asyncio.get_running_loop().time)
    times = await asyncio.gather(*(send_message(bot, telegram, chat_id) for chat_id in range(75)))
    assert max(times) - min(times) < 5.0, "much slower than the limits allow"


@pytest.mark.parametrize("chat_id", [7, -7], ids=["person", "group"])
async def test_four_messages_to_one_chat_are_sent_within_the_limits(chat_id: int) -> None:
    bot, telegram = TelegramRateLimiter(SETTINGS), RateLimiter(asyncio.get_running_loop().time)
    await asyncio.gather(*(send_message(bot, telegram, chat_id) for _ in range(4)))
