"""The fixtures that tests of smart_kit share."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from smart_kit.mailbox import Mailbox
from smart_kit.redis import Redis
from smart_kit.tests.guarded_http_harness import Canary


@pytest.fixture
def mailbox(redis: Redis) -> Mailbox:
    return Mailbox(redis, "in", replies_to="out")


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    made = Canary()
    server = await asyncio.start_server(made.hear, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
