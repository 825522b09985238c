"""Rest tools in turns: corrected, recorded, and never called twice."""

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from assistant.src.services.tool_result_cache import ToolResultCache
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import (
    id_for,
    make_assistant,
    make_secretary,
    make_tool,
    make_user,
)
from smart_kit.contracts.configuration import HttpCallSnapshot, ToolSnapshot
from smart_kit.errors import UpstreamUnavailable
from smart_kit.mailbox import StreamEntry
from smart_kit.redis import Redis, await_result
from smart_kit.safe_http.messages import HttpRequest, HttpResponse
from smart_kit.testing.scripted_model import ScriptedModel, make_tool_call_response

SCHEMA = {
    "type": "object",
    "properties": {"word": {"type": "string"}, "lang": {"enum": ["de", "en"]}},
    "required": ["word"],
}


class CountingServer:
    """Counts its requests."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.status = 200
        self.failure: BaseException | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        body = json.dumps({"number": len(self.requests)}).encode()
        return HttpResponse(self.status, "application/json", body, request.url)


class WorkerKilled(BaseException):
    """Ends a task as kill -9 ends its process."""


@pytest.fixture
def server() -> CountingServer:
    return CountingServer()


@pytest.fixture
async def harness(
    harness: AssistantHarness, server: CountingServer, redis: Redis
) -> AssistantHarness:
    harness.services = replace(
        harness.services, send_http=server.send, result_cache=ToolResultCache(redis)
    )
    harness.orchestrator = harness.build_orchestrator()
    return harness


def make_lookup_tool(**changes: Any) -> ToolSnapshot:
    record = ToolSnapshot(
        id=id_for("words"),
        name="look_up",
        tool_type="rest",
        description="Looks a word up",
        input_schema=SCHEMA,
        effect_class="reads_outside",
        http_call=HttpCallSnapshot(url="https://api.example.org/{word}", query={"lang": "{lang}"}),
    )
    return record.model_copy(update=changes)


LOOK_UP = ("look_up", {"word": "omen"})


async def look_up(harness: AssistantHarness, model: ScriptedModel, arguments: Any = None) -> str:
    """Return the tool result for one call."""
    model.add_steps(make_tool_call_response(("look_up", arguments or LOOK_UP[1])), "There.")
    await harness.say("what is an omen?")
    return str(model.requests[-1].messages[-1]["content"])


def parse_numbers(*outputs: str) -> list[int]:
    return [int(one.split('"number":')[1].split("}")[0]) for one in outputs]


async def test_wrong_arguments_are_corrected_within_the_turn(
    harness: AssistantHarness, model: ScriptedModel, server: CountingServer
) -> None:
    await harness.configure(make_secretary(make_lookup_tool()), version=2)
    model.add_steps(
        make_tool_call_response(("look_up", {"word": "omen", "lang": "fr"})),
        make_tool_call_response(("look_up", {"word": "omen", "lang": "de"})),
        "A sign.",
    )
    result = await harness.say("what is an omen?")

    assert result.text == "A sign."
    output = model.requests[1].messages[-1]["content"]
    assert output.startswith("Error: Wrong arguments: lang: 'fr' is not one of ['de', 'en'].")
    assert [one.url for one in server.requests] == ["https://api.example.org/omen?lang=de"]


async def test_model_corrects_a_rejected_request_within_the_turn(
    harness: AssistantHarness, model: ScriptedModel, server: CountingServer
) -> None:
    await harness.configure(make_secretary(make_lookup_tool()), version=2)
    server.status = 404
    assert "Error: The call was refused; other arguments may help. HTTP 404" in await look_up(
        harness, model
    )


@pytest.mark.parametrize(
    "schema", [{"type": "object", "properties": {"word": {"type": 7}}}, {"$ref": "#/$defs/x"}]
)
async def test_a_broken_schema_in_the_snapshot_breaks_no_turn(
    harness: AssistantHarness, model: ScriptedModel, server: CountingServer, schema: Any
) -> None:
    await harness.configure(
        make_secretary(make_lookup_tool(input_schema=schema), make_tool("get_time")), version=2
    )
    assert await look_up(harness, model) == "Error: The tool failed. Tell the user."
    model.add_steps(make_tool_call_response(("get_time", {})), "Noon.")
    assert (await harness.say("time?")).text == "Noon."
    assert server.requests == []


async def test_step_record_contains_caller_time_and_arguments(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(make_tool("ask_assistant", "ask_helper", sub_assistant="Helper")),
        make_assistant("Helper", make_lookup_tool()),
        version=2,
    )
    model.add_steps(
        make_tool_call_response(("ask_helper", {"message": "x"})),
        make_tool_call_response(LOOK_UP),
        "inner",
        "outer",
    )
    await harness.say("go")

    (record,) = await harness.read_turn_records()
    callers = {step.step: step.assistant_id for step in record.steps}
    boss, helper = id_for("Secretary"), id_for("Helper")
    assert callers == {"1": boss, "1.0": boss, "1.0.1": helper, "1.0.1.0": helper} | {
        "1.0.2": helper,
        "2": boss,
    }
    called = next(step for step in record.steps if step.step == "1.0.1.0")
    assert called.arguments == {"word": "omen"}
    assert called.started_at is not None
    assert record.started_at <= called.started_at <= record.finished_at


async def test_write_of_a_killed_worker_is_not_repeated(
    harness: AssistantHarness, model: ScriptedModel, server: CountingServer
) -> None:
    await harness.configure(make_secretary(make_lookup_tool(effect_class="writes")), version=2)
    server.failure = WorkerKilled()
    model.add_steps(make_tool_call_response(LOOK_UP))
    delivery = await harness.deliver(harness.make_message("order it"))
    with pytest.raises(WorkerKilled):
        await harness.orchestrator.process_message(delivery)
    server.failure = None
    model.add_steps("I do not know whether it was done.")
    again = await harness.mailbox.begin(StreamEntry(delivery.entry_id, delivery.conversation))
    assert again is not None
    await harness.handle(again)

    assert len(server.requests) == 1
    assert "whether it was done is not known" in model.requests[-1].messages[-1]["content"]


async def test_a_read_whose_worker_died_is_made_again(
    harness: AssistantHarness, model: ScriptedModel, server: CountingServer
) -> None:
    await harness.configure(make_secretary(make_lookup_tool()), version=2)
    server.failure = WorkerKilled()
    model.add_steps(make_tool_call_response(LOOK_UP))
    delivery = await harness.deliver(harness.make_message("look it up"))
    with pytest.raises(WorkerKilled):
        await harness.orchestrator.process_message(delivery)
    server.failure = None
    model.add_steps("A sign.")
    again = await harness.mailbox.begin(StreamEntry(delivery.entry_id, delivery.conversation))
    assert again is not None
    await harness.handle(again)

    assert len(server.requests) == 2


async def test_result_is_cached_for_the_seconds_of_the_record(
    harness: AssistantHarness, model: ScriptedModel, server: CountingServer, redis: Redis
) -> None:
    await harness.configure(make_secretary(make_lookup_tool(cache_seconds=60)), version=2)
    first = await look_up(harness, model)
    again = await look_up(harness, model, {"lang": None, "word": "omen"})

    assert first == again
    assert len(server.requests) == 1
    (key,) = await await_result(redis.keys("cached:*"))
    assert key.startswith(f"cached:{id_for('words')}:{make_user().id}:")
    assert 0 < await await_result(redis.ttl(key)) <= 60
    await redis.delete(key)
    await look_up(harness, model)
    assert len(server.requests) == 2


async def test_cache_depends_on_call_user_and_record(
    harness: AssistantHarness, model: ScriptedModel, server: CountingServer
) -> None:
    await harness.configure(make_secretary(make_lookup_tool(cache_seconds=60)), version=2)
    outputs = [await look_up(harness, model), await look_up(harness, model, {"word": "amen"})]
    await harness.store_user(make_user(id=uuid4()))
    outputs.append(await look_up(harness, model))
    await harness.configure(
        make_secretary(make_lookup_tool(cache_seconds=60, description="new")), version=3
    )
    outputs.append(await look_up(harness, model))
    call = HttpCallSnapshot(url="https://api.example.org/v2/{word}")
    await harness.configure(
        make_secretary(make_lookup_tool(cache_seconds=60, http_call=call)), version=4
    )
    outputs.append(await look_up(harness, model))

    assert parse_numbers(*outputs) == [1, 2, 3, 4, 5]


async def test_cache_depends_on_the_time_zone(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    """Tools render times in the user's zone."""
    await harness.configure(make_secretary(make_tool("get_time", cache_seconds=600)), version=2)
    outputs = []
    for zone in ("Europe/Berlin", "Asia/Tokyo"):
        await harness.store_user(make_user(timezone=zone))
        model.add_steps(make_tool_call_response(("get_time", {})), "Late.")
        await harness.say("what time is it?")
        outputs.append(str(model.requests[-1].messages[-1]["content"]))

    assert "Europe/Berlin" in outputs[0]
    assert "Asia/Tokyo" in outputs[1]


@pytest.mark.parametrize("changes", [{"cache_seconds": 0}, {"effect_class": "writes"}])
async def test_uncacheable_call_is_repeated(
    harness: AssistantHarness,
    model: ScriptedModel,
    server: CountingServer,
    redis: Redis,
    changes: Any,
) -> None:
    await harness.configure(
        make_secretary(make_lookup_tool(**{"cache_seconds": 60, **changes})), version=2
    )
    assert parse_numbers(await look_up(harness, model), await look_up(harness, model)) == [1, 2]
    assert await await_result(redis.keys("cached:*")) == []


async def test_an_assistant_that_may_write_is_asked_each_time(
    harness: AssistantHarness, model: ScriptedModel, redis: Redis
) -> None:
    await harness.configure(
        make_secretary(
            make_tool("ask_assistant", "ask_helper", sub_assistant="Helper", cache_seconds=60)
        ),
        make_assistant("Helper", make_tool("create_reminder")),
        version=2,
    )
    model.add_steps(make_tool_call_response(("ask_helper", {"message": "x"})), "inner", "outer")
    await harness.say("go")
    assert await await_result(redis.keys("cached:*")) == []


async def test_cached_answer_expires_with_the_configuration(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    """The tool's record does not change with new instructions, models or tools of the assistant."""
    asks = make_tool("ask_assistant", "ask_helper", sub_assistant="Helper", cache_seconds=60)

    results = []
    for version, instructions in ((2, "Be terse."), (2, "Be terse."), (3, "Be kind.")):
        helper = make_assistant("Helper", instructions=instructions)
        await harness.configure(make_secretary(asks), helper, version=version)
        model.add_steps(make_tool_call_response(("ask_helper", {"message": "x"})))
        if len(results) != 1:
            model.add_steps(instructions)
        model.add_steps("There.")
        await harness.store_user(make_user(threads={id_for("Secretary"): uuid4()}))
        await harness.say("go")
        results.append(model.requests[-1].messages[-1]["content"])

    assert results == ["Be terse.", "Be terse.", "Be kind."]
    assert len(model.requests) == 3 + 2 + 3


@pytest.mark.parametrize("status", [404, 500])
async def test_errors_are_not_cached(
    harness: AssistantHarness,
    model: ScriptedModel,
    server: CountingServer,
    redis: Redis,
    status: int,
) -> None:
    await harness.configure(make_secretary(make_lookup_tool(cache_seconds=60)), version=2)
    server.status = status
    await look_up(harness, model)
    server.failure = UpstreamUnavailable("away")
    await look_up(harness, model)
    assert await await_result(redis.keys("cached:*")) == []
    server.status, server.failure = 200, None
    assert parse_numbers(await look_up(harness, model)) == [3]


async def test_built_in_functions_are_cached_too(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(make_secretary(make_tool("list_tasks", cache_seconds=60)), version=2)
    for _ in range(2):
        model.add_steps(make_tool_call_response(("list_tasks", {})), "None.")
        await harness.say("my tasks?")
    assert len(harness.rest.requests_to("GET", "/api/tasks")) == 1


async def test_without_redis_each_call_is_made(
    harness: AssistantHarness,
    model: ScriptedModel,
    server: CountingServer,
    redis: Redis,
    monkeypatch: Any,
) -> None:
    async def raise_unavailable(*_: Any, **__: Any) -> Any:
        raise RedisConnectionError("away")

    class UnavailableRedis:
        get = set = staticmethod(raise_unavailable)

    harness.services = replace(harness.services, result_cache=ToolResultCache(UnavailableRedis()))  # type: ignore[arg-type]
    harness.orchestrator = harness.build_orchestrator()
    await harness.configure(make_secretary(make_lookup_tool(cache_seconds=60)), version=2)
    assert parse_numbers(await look_up(harness, model), await look_up(harness, model)) == [1, 2]
