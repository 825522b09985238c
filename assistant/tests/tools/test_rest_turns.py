"""Tools that are all record, within turns: corrected, kept, and never called twice."""

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from assistant.src.services.kept_calls import KeptCalls
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshots import assistant, id_of, person, secretary, tool
from smart_kit.contracts.configuration import CallSnapshot, ToolSnapshot
from smart_kit.errors import UpstreamUnavailable
from smart_kit.guarded_http import OutsideAnswer, OutsideRequest
from smart_kit.mailbox import Entry
from smart_kit.redis import Redis, answer
from smart_kit.testing.scripted_model import ScriptedModel, calls

SCHEMA = {
    "type": "object",
    "properties": {"word": {"type": "string"}, "lang": {"enum": ["de", "en"]}},
    "required": ["word"],
}


class CountingServer:
    """Counts."""

    def __init__(self) -> None:
        self.requests: list[OutsideRequest] = []
        self.status = 200
        self.dies: BaseException | None = None

    async def send(self, request: OutsideRequest) -> OutsideAnswer:
        self.requests.append(request)
        if self.dies is not None:
            raise self.dies
        body = json.dumps({"number": len(self.requests)}).encode()
        return OutsideAnswer(self.status, "application/json", body, request.url)


class Killed(BaseException):
    """kill -9, as far as the one task can tell."""


@pytest.fixture
def server() -> CountingServer:
    return CountingServer()


@pytest.fixture
async def harness(
    harness: AssistantHarness, server: CountingServer, redis: Redis
) -> AssistantHarness:
    harness.services = replace(harness.services, send=server.send, kept=KeptCalls(redis))
    harness.orchestrator = harness.build_orchestrator()
    return harness


def words(**changes: Any) -> ToolSnapshot:
    record = ToolSnapshot(
        id=id_of("words"),
        name="look_up",
        tool_type="rest",
        description="Looks a word up",
        input_schema=SCHEMA,
        effect_class="reads_outside",
        http_call=CallSnapshot(url="https://api.example.org/{word}", query={"lang": "{lang}"}),
    )
    return record.model_copy(update=changes)


LOOK_UP = ("look_up", {"word": "omen"})


async def look_up(harness: AssistantHarness, model: ScriptedModel, arguments: Any = None) -> str:
    """What the model is told."""
    model.expect(calls(("look_up", arguments or LOOK_UP[1])), "There.")
    await harness.say("what is an omen?")
    return str(model.asked[-1].messages[-1]["content"])


def numbers(*told: str) -> list[int]:
    return [int(one.split('"number":')[1].split("}")[0]) for one in told]


async def test_wrong_arguments_are_corrected_within_the_turn(
    harness: AssistantHarness, model: ScriptedModel, server: CountingServer
) -> None:
    await harness.configure(secretary(words()), version=2)
    model.expect(
        calls(("look_up", {"word": "omen", "lang": "fr"})),
        calls(("look_up", {"word": "omen", "lang": "de"})),
        "A sign.",
    )
    said = await harness.say("what is an omen?")

    assert said.text == "A sign."
    told = model.asked[1].messages[-1]["content"]
    assert told.startswith("Error: Wrong arguments: lang: 'fr' is not one of ['de', 'en'].")
    assert [one.url for one in server.requests] == ["https://api.example.org/omen?lang=de"]


async def test_what_the_server_refuses_is_corrected_within_the_turn(
    harness: AssistantHarness, model: ScriptedModel, server: CountingServer
) -> None:
    await harness.configure(secretary(words()), version=2)
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
    await harness.configure(secretary(words(input_schema=schema), tool("get_time")), version=2)
    assert await look_up(harness, model) == "Error: The tool is broken. Tell the user."
    model.expect(calls(("get_time", {})), "Noon.")
    assert (await harness.say("time?")).text == "Noon."
    assert server.requests == []


async def test_a_step_tells_who_called_when_and_with_what(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        secretary(tool("ask_assistant", "ask_helper", asks="Helper")),
        assistant("Helper", words()),
        version=2,
    )
    model.expect(calls(("ask_helper", {"message": "x"})), calls(LOOK_UP), "inner", "outer")
    await harness.say("go")

    (record,) = await harness.turn_records()
    callers = {step.step: step.assistant_id for step in record.steps}
    boss, helper = id_of("Secretary"), id_of("Helper")
    assert callers == {"1": boss, "1.0": boss, "1.0.1": helper, "1.0.1.0": helper} | {
        "1.0.2": helper,
        "2": boss,
    }
    called = next(step for step in record.steps if step.step == "1.0.1.0")
    assert called.arguments == {"word": "omen"}
    assert called.started_at is not None
    assert record.started_at <= called.started_at <= record.finished_at


async def test_a_write_whose_worker_died_is_not_repeated_and_the_model_is_told(
    harness: AssistantHarness, model: ScriptedModel, server: CountingServer
) -> None:
    await harness.configure(secretary(words(effect_class="writes")), version=2)
    server.dies = Killed()
    model.expect(calls(LOOK_UP))
    delivery = await harness.deliver(harness.message("order it"))
    with pytest.raises(Killed):
        await harness.orchestrator.process_message(delivery)
    server.dies = None
    model.expect("I do not know whether it was done.")
    again = await harness.mailbox.begin(Entry(delivery.entry, delivery.conversation))
    assert again is not None
    await harness.handle(again)

    assert len(server.requests) == 1
    assert "whether it was done is not known" in model.asked[-1].messages[-1]["content"]


async def test_a_read_whose_worker_died_is_made_again(
    harness: AssistantHarness, model: ScriptedModel, server: CountingServer
) -> None:
    await harness.configure(secretary(words()), version=2)
    server.dies = Killed()
    model.expect(calls(LOOK_UP))
    delivery = await harness.deliver(harness.message("look it up"))
    with pytest.raises(Killed):
        await harness.orchestrator.process_message(delivery)
    server.dies = None
    model.expect("A sign.")
    again = await harness.mailbox.begin(Entry(delivery.entry, delivery.conversation))
    assert again is not None
    await harness.handle(again)

    assert len(server.requests) == 2


async def test_a_result_is_given_again_as_long_as_the_record_says(
    harness: AssistantHarness, model: ScriptedModel, server: CountingServer, redis: Redis
) -> None:
    await harness.configure(secretary(words(cache_seconds=60)), version=2)
    first = await look_up(harness, model)
    again = await look_up(harness, model, {"lang": None, "word": "omen"})

    assert first == again
    assert len(server.requests) == 1
    (key,) = await answer(redis.keys("cached:*"))
    assert key.startswith(f"cached:{id_of('words')}:{person().id}:")
    assert 0 < await answer(redis.ttl(key)) <= 60
    await redis.delete(key)
    await look_up(harness, model)
    assert len(server.requests) == 2


async def test_another_call_person_or_record_has_a_result_of_its_own(
    harness: AssistantHarness, model: ScriptedModel, server: CountingServer
) -> None:
    await harness.configure(secretary(words(cache_seconds=60)), version=2)
    told = [await look_up(harness, model), await look_up(harness, model, {"word": "amen"})]
    await harness.store_user(person(id=uuid4()))
    told.append(await look_up(harness, model))
    await harness.configure(secretary(words(cache_seconds=60, description="new")), version=3)
    told.append(await look_up(harness, model))
    call = CallSnapshot(url="https://api.example.org/v2/{word}")
    await harness.configure(secretary(words(cache_seconds=60, http_call=call)), version=4)
    told.append(await look_up(harness, model))

    assert numbers(*told) == [1, 2, 3, 4, 5]


async def test_who_moves_to_another_zone_is_told_the_time_there(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    """What tools say of times is said in the person's zone."""
    await harness.configure(secretary(tool("get_time", cache_seconds=600)), version=2)
    told = []
    for zone in ("Europe/Berlin", "Asia/Tokyo"):
        await harness.store_user(person(timezone=zone))
        model.expect(calls(("get_time", {})), "Late.")
        await harness.say("what time is it?")
        told.append(str(model.asked[-1].messages[-1]["content"]))

    assert "Europe/Berlin" in told[0]
    assert "Asia/Tokyo" in told[1]


@pytest.mark.parametrize("changes", [{"cache_seconds": 0}, {"effect_class": "writes"}])
async def test_what_may_not_be_kept_is_called_each_time(
    harness: AssistantHarness,
    model: ScriptedModel,
    server: CountingServer,
    redis: Redis,
    changes: Any,
) -> None:
    await harness.configure(secretary(words(**{"cache_seconds": 60, **changes})), version=2)
    assert numbers(await look_up(harness, model), await look_up(harness, model)) == [1, 2]
    assert await answer(redis.keys("cached:*")) == []


async def test_an_assistant_that_may_write_is_asked_each_time(
    harness: AssistantHarness, model: ScriptedModel, redis: Redis
) -> None:
    await harness.configure(
        secretary(tool("ask_assistant", "ask_helper", asks="Helper", cache_seconds=60)),
        assistant("Helper", tool("create_reminder")),
        version=2,
    )
    model.expect(calls(("ask_helper", {"message": "x"})), "inner", "outer")
    await harness.say("go")
    assert await answer(redis.keys("cached:*")) == []


async def test_what_an_assistant_answered_is_given_again_until_the_configuration_changes(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    """Its own record is not the tool's: new instructions, another model or other tools count."""
    asks = tool("ask_assistant", "ask_helper", asks="Helper", cache_seconds=60)

    results = []
    for version, instructions in ((2, "Be terse."), (2, "Be terse."), (3, "Be kind.")):
        helper = assistant("Helper", instructions=instructions)
        await harness.configure(secretary(asks), helper, version=version)
        model.expect(calls(("ask_helper", {"message": "x"})))
        if len(results) != 1:
            model.expect(instructions)
        model.expect("There.")
        await harness.store_user(person(threads={id_of("Secretary"): uuid4()}))
        await harness.say("go")
        results.append(model.asked[-1].messages[-1]["content"])

    assert results == ["Be terse.", "Be terse.", "Be kind."]
    assert len(model.asked) == 3 + 2 + 3


@pytest.mark.parametrize("status", [404, 500])
async def test_errors_are_not_kept(
    harness: AssistantHarness,
    model: ScriptedModel,
    server: CountingServer,
    redis: Redis,
    status: int,
) -> None:
    await harness.configure(secretary(words(cache_seconds=60)), version=2)
    server.status = status
    await look_up(harness, model)
    server.dies = UpstreamUnavailable("away")
    await look_up(harness, model)
    assert await answer(redis.keys("cached:*")) == []
    server.status, server.dies = 200, None
    assert numbers(await look_up(harness, model)) == [3]


async def test_built_in_functions_are_kept_too(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(secretary(tool("list_tasks", cache_seconds=60)), version=2)
    for _ in range(2):
        model.expect(calls(("list_tasks", {})), "None.")
        await harness.say("my tasks?")
    assert len(harness.rest.requests_to("GET", "/api/tasks")) == 1


async def test_without_redis_each_call_is_made(
    harness: AssistantHarness,
    model: ScriptedModel,
    server: CountingServer,
    redis: Redis,
    monkeypatch: Any,
) -> None:
    async def away(*_: Any, **__: Any) -> Any:
        raise RedisConnectionError("away")

    class Away:
        get = set = staticmethod(away)

    harness.services = replace(harness.services, kept=KeptCalls(Away()))  # type: ignore[arg-type]
    harness.orchestrator = harness.build_orchestrator()
    await harness.configure(secretary(words(cache_seconds=60)), version=2)
    assert numbers(await look_up(harness, model), await look_up(harness, model)) == [1, 2]
