"""A desk on a real Valkey, with a scripted model behind the real SDK."""

from collections.abc import AsyncIterator, Iterator

import pytest

from assistant.src.services.models.endpoint import Endpoint
from assistant.tests.desk import ALICES_THREAD, Desk, person, secretary, tool
from smart_kit.redis import Redis
from smart_kit.testing.scripted_model import ScriptedModel


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as scripted:
        yield scripted


@pytest.fixture
async def endpoint(model: ScriptedModel) -> AsyncIterator[Endpoint]:
    made = Endpoint(model.url, "sk-test")
    yield made
    await made.close()


@pytest.fixture
async def desk(redis: Redis, model: ScriptedModel) -> AsyncIterator[Desk]:
    """Alice is known and has said nothing yet; the secretary can tell the time and remind."""
    made = Desk(redis, model.url)
    await made.configure(secretary(tool("get_time"), tool("create_reminder")))
    await made.introduce(person())
    await made.history.begin(ALICES_THREAD)
    yield made
    await made.close()
