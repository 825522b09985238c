"""The sending part of the bot alone."""

import pytest

from smart_kit.redis import Redis
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.tests.services.sending_harness import SendingHarness


@pytest.fixture
async def harness(redis: Redis, client: TelegramClient, settings: TgBotSettings) -> SendingHarness:
    return SendingHarness(redis, client, settings)
