"""tg_bot's own pace keeps within the limits of the sandbox's Telegram: it is never refused."""

import asyncio

import pytest

from sandbox.telegram.rate_limiter import MESSAGE, RateLimiter
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.services.rate_limiter import TelegramRateLimiter

pytestmark = pytest.mark.clock("virtual")

SETTINGS = TgBotSettings.model_construct(
    telegram_rate_overall=30.0, telegram_rate_per_chat=1.0, telegram_rate_per_group=20.0
)
"""The defaults, whatever the developer's environment says."""


async def send_message(pace: TelegramRateLimiter, meter: RateLimiter, chat_id: int) -> float:
    """Send a message; when it went. Raises BotApiError 429 where that was too early."""
    await pace.acquire(chat_id)
    meter.check(MESSAGE, chat_id)
    meter.consume(MESSAGE, chat_id)
    return asyncio.get_running_loop().time()


def test_the_defaults_are_the_ones_tested() -> None:
    for name in ("overall", "per_chat", "per_group"):
        field = TgBotSettings.model_fields[f"telegram_rate_{name}"]
        assert field.default == getattr(SETTINGS, f"telegram_rate_{name}")


async def test_seventy_five_chats_at_once_are_answered_without_a_refusal() -> None:
    pace, meter = TelegramRateLimiter(SETTINGS), RateLimiter(asyncio.get_running_loop().time)
    times = await asyncio.gather(*(send_message(pace, meter, chat_id) for chat_id in range(75)))
    assert max(times) - min(times) < 5.0, "so many do meet the limit, and no much stricter one"


@pytest.mark.parametrize("chat_id", [7, -7], ids=["person", "group"])
async def test_a_chat_with_three_messages_at_once_is_answered_without_a_refusal(
    chat_id: int,
) -> None:
    pace, meter = TelegramRateLimiter(SETTINGS), RateLimiter(asyncio.get_running_loop().time)
    await asyncio.gather(*(send_message(pace, meter, chat_id) for _ in range(4)))
