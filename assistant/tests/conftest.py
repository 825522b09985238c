"""The assistant's harness on a real Valkey, with a scripted model behind the real SDK."""

from collections.abc import AsyncIterator, Iterator

import pytest

from assistant.src.services.models.endpoint import Endpoint
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshots import ALICES_THREAD, person, secretary, tool
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
async def harness(redis: Redis, model: ScriptedModel) -> AsyncIterator[AssistantHarness]:
    """Alice is known and has said nothing yet; the secretary can tell the time and remind."""
    made = AssistantHarness(redis, model.url)
    await made.configure(secretary(tool("get_time"), tool("create_reminder")))
    await made.store_user(person())
    await made.history.begin(ALICES_THREAD)
    yield made
    await made.close()
