"""The sending side of the bot alone."""

import pytest

from smart_kit.redis import Redis
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.tests.services.hand import Hand


@pytest.fixture
async def hand(redis: Redis, client: TelegramClient, settings: TgBotSettings) -> Hand:
    return Hand(redis, client, settings)
