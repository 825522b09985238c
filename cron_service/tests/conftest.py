"""Fixtures: cron_service with a real Valkey and a fake rest_service."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from cron_service.app import rest_client as rest_client_module
from cron_service.app.dispatcher import Dispatcher
from cron_service.app.redis_client import RedisClient
from cron_service.app.rest_client import RestClient
from cron_service.tests.fake_rest_service import TOKEN, FakeRestService
from smart_kit.contracts.keys import ACTIVE_BOT_KEY
from smart_kit.contracts.queue import BotIdentity
from smart_kit.mailbox import Mailbox
from smart_kit.redis import Redis, connect_for_blocking_reads
from smart_kit.rest_client import RestClientSettings
from smart_kit.rest_client.httpx2_transport import Httpx2Transport
from smart_kit.settings import RedisSettings

BOT = BotIdentity(id=42, username="a_bot")


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_client_module, "RETRY_DELAY", timedelta(milliseconds=1))


@pytest.fixture
async def rest_service() -> AsyncIterator[FakeRestService]:
    service = FakeRestService()
    async with TestServer(service.build_app()) as server:
        service.url = str(server.make_url("/"))
        yield service


@pytest.fixture
async def bot(redis: Redis) -> BotIdentity:
    """Publish the active bot, as tg_bot does."""
    await redis.set(ACTIVE_BOT_KEY, BOT.model_dump_json())
    return BOT


@pytest.fixture
async def rest_client(rest_service: FakeRestService) -> AsyncIterator[RestClient]:
    settings = RestClientSettings(
        rest_service_url=rest_service.url, service_api_token=SecretStr(TOKEN)
    )
    client = RestClient(settings, Httpx2Transport(rest_service.url))
    yield client
    await client.close()


@pytest.fixture
async def redis_client(redis: Redis, redis_settings: RedisSettings) -> AsyncIterator[RedisClient]:
    blocking = connect_for_blocking_reads(redis_settings)
    yield RedisClient(
        redis, blocking, Mailbox(redis, "to_telegram"), Mailbox(redis, "to_secretary")
    )
    await blocking.aclose()


@pytest.fixture
def dispatcher(rest_client: RestClient, redis_client: RedisClient) -> Dispatcher:
    return Dispatcher(rest_client, redis_client)
