"""Fixtures of the tests of smart_kit."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from smart_kit.mailbox import Mailbox
from smart_kit.redis import Redis
from smart_kit.tests.safe_http_harness import CanaryServer


@pytest.fixture
def mailbox(redis: Redis) -> Mailbox:
    return Mailbox(redis, "in", reply_queue="out")


@pytest.fixture
async def canary_server() -> AsyncIterator[CanaryServer]:
    made = CanaryServer()
    server = await asyncio.start_server(made.handle_connection, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
