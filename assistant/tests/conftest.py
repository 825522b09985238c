"""The assistant's harness on a real Valkey, with a scripted model behind the real SDK."""

from collections.abc import AsyncIterator, Iterator

import pytest

from assistant.src.services import budget
from assistant.src.services.models.transport.endpoint import Endpoint
from assistant.src.storage import history
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import ALICES_THREAD, make_secretary, make_tool, make_user
from smart_kit.redis import Redis
from smart_kit.testing.plugin import has_virtual_clock
from smart_kit.testing.scripted_model import ScriptedModel

TIMEOUT_SECONDS = 60.0


@pytest.fixture(autouse=True)
def long_timeouts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise the timeouts after which a turn does without rest_service, so that a stall of a busy
    machine does not reach them.

    On a virtual clock nothing stalls, and the timeouts are those of production.
    """
    if not has_virtual_clock(request.node):
        monkeypatch.setattr(budget, "TIMEOUT_SECONDS", TIMEOUT_SECONDS)
        monkeypatch.setattr(history, "TIMEOUT_SECONDS", TIMEOUT_SECONDS)


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
    """Alice is known and her thread is new; the secretary has get_time and create_reminder."""
    made = AssistantHarness(redis, model.url)
    await made.configure(make_secretary(make_tool("get_time"), make_tool("create_reminder")))
    await made.store_user(make_user())
    await made.history.mark_new_thread(ALICES_THREAD)
    yield made
    await made.close()
