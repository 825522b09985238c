"""Which assistant a record becomes."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args
from uuid import uuid4

import pytest

from assistant.src.assistants.factory import ASSISTANT_TYPES, AssistantFactory
from assistant.src.messages.window import Window
from assistant.src.services.models.catalogue import Catalogues
from assistant.src.services.models.client import ModelClient
from assistant.tests.harness import AssistantHarness
from assistant.tests.services.models.openai_compatible_server import HttpAnswer, running_server
from assistant.tests.snapshots import assistant, id_of, model_snapshot, person, secretary, tool
from assistant.tests.tools.rest_tool_harness import (
    VAULT,
    FakeServer,
    only_request,
    secret,
    tool_context,
)
from smart_kit.contracts.assistants import AssistantType
from smart_kit.contracts.configuration import (
    AssistantSnapshot,
    CallSnapshot,
    ConfigurationSnapshot,
    ToolSnapshot,
)
from smart_kit.contracts.threads import first_thread_id
from smart_kit.testing.scripted_model import ScriptedModel, calls, fails
from smart_kit.vault import Vault


@pytest.fixture
def make(harness: AssistantHarness) -> Callable[..., AssistantFactory]:
    def factory(*records: AssistantSnapshot, **changes: Any) -> AssistantFactory:
        configuration = ConfigurationSnapshot(version=1, assistants=records, **changes)
        catalogue = Catalogues(Vault(())).of(configuration)
        return AssistantFactory(catalogue, ModelClient(), harness.services, Window(20, 32_000))

    return factory


def test_every_type_has_its_classes() -> None:
    assert set(ASSISTANT_TYPES) == set(get_args(AssistantType))


OUTPUT = [
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "Z0FB"},
    {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello!"}],
    },
]


async def test_an_openai_api_record_answers_over_responses_whatever_the_models_record_says(
    harness: AssistantHarness,
) -> None:
    """And what was said before goes back as it was."""
    whole = {"status": "completed", "output": OUTPUT, "usage": {"input_tokens": 9}}
    async with running_server(lambda _: HttpAnswer(json.dumps(whole))) as server:
        harness.provider = harness.provider.model_copy(
            update={"base_url": server.endpoint.base_url}
        )
        await harness.configure(
            secretary(tool("ask_assistant", "ask_poet", asks="Poet"), assistant_type="openai_api"),
            assistant("Poet", assistant_type="openai_api"),
            version=2,
        )
        said = [await harness.say("hi"), await harness.say("bye")]

    assert [one.text for one in said] == ["Hello!", "Hello!"]
    assert server.paths == ["/v1/responses"] * 2
    assert server.asked[1]["input"][1:3] == OUTPUT
    assert server.asked[1]["store"] is False


async def test_an_openai_api_record_falls_back_to_a_model_whose_server_has_only_chat(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        secretary(tool("get_time"), assistant_type="openai_api", fallback_models=("chatty",)),
        version=2,
    )
    model.expect(fails(401), "Noon.")
    said = await harness.say("what time is it?")

    assert said.text == "Noon."
    assert [one.body["model"] for one in model.asked] == ["default-model", "chatty"]


async def test_an_assistants_limits_are_its_own(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    limits = {"temperature": 0.3, "max_output_tokens": 99, "max_tool_calls": 1}
    await harness.configure(
        secretary(tool("get_time"), max_context_messages=2, **limits), version=2
    )
    twice = calls(("get_time", {}), ("get_time", {}))
    model.expect("Hello!", twice, "One was enough.", "Bye.")
    for text in ("hi", "what time is it?", "bye"):
        await harness.say(text)

    assert (model.asked[0].body["temperature"], model.asked[0].body["max_tokens"]) == (0.3, 99)
    results = [one["content"] for one in model.asked[2].messages if one["role"] == "tool"]
    assert [result.startswith("Error: Not run") for result in results] == [False, True]
    assert model.asked[2].body["tool_choice"] == "none"
    assert "hi" not in str(model.asked[3].messages)


async def test_an_assistant_that_may_call_nothing_is_offered_nothing(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(secretary(tool("get_time"), max_tool_calls=0), version=2)
    model.expect("Hello!")
    await harness.say("hi")

    assert model.asked[0].body.keys() == {"model", "messages"}


async def test_the_chain_is_its_own_model_then_its_fallbacks(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(secretary(model="a", fallback_models=("b", "a", "c")), version=2)
    model.expect(fails(401), fails(401), "From c.")
    await harness.say("hi")

    assert [one.body["model"] for one in model.asked] == ["a", "b", "c"]
    (record,) = await harness.turn_records()
    (step,) = record.steps
    assert (step.name, step.provider, step.assistant_id) == ("c", "scripted", record.assistant_id)
    assert [(one.model, one.reason) for one in step.failures] == [
        ("a", "401: a NoneType"),
        ("b", "401: a NoneType"),
    ]
    assert record.started_at <= step.started_at <= record.finished_at


@pytest.mark.parametrize(
    ("chosen", "asked"), [("nice", "nice"), ("secret", "default-model"), ("gone", "default-model")]
)
async def test_a_person_talks_to_the_model_they_chose_if_they_still_may(
    harness: AssistantHarness, model: ScriptedModel, chosen: str, asked: str
) -> None:
    """And asks the sub-assistants of their own."""
    harness.models = {
        "nice": model_snapshot("nice", is_choosable=True),
        "secret": model_snapshot("secret"),
    }
    await harness.configure(
        secretary(tool("ask_assistant", "ask_poet", asks="Poet")), assistant("Poet"), version=2
    )
    await harness.store_user(person(model=chosen))
    model.expect(calls(("ask_poet", {"message": "x"})), "Drip.", "Drip, he says.")
    await harness.say("hi")

    assert [one.body["model"] for one in model.asked] == [asked, "default-model", asked]


async def test_where_the_chosen_model_is_away_the_assistants_own_answers(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.models = {"nice": model_snapshot("nice", is_choosable=True)}
    await harness.configure(secretary(), version=2)
    await harness.store_user(person(model="nice"))
    model.expect(fails(401), "It is me.")
    await harness.say("hi")

    assert [one.body["model"] for one in model.asked] == ["nice", "default-model"]


async def test_an_updated_assistant_is_another_of_its_type_and_the_first_stays(make: Any) -> None:
    factory = make(secretary(tool("get_time"), assistant_type="openai_api", model="a"))
    first = factory.create_main_assistant(None)
    other = first.update_assistant(tools=(), instructions="Be brief.", model="b", name="Brief")

    assert type(other) is type(first)
    assert (other.id, other.name, first.name) == (first.id, "Brief", "Secretary")
    assert other._prompt.instructions == "Be brief."
    assert (other._prompt.tools, bool(first._prompt.tools)) == ("", True)
    assert ([one.name for one in other._chain], [one.name for one in first._chain]) == (
        ["b", "a"],
        ["a"],
    )


async def test_what_is_not_given_stays_in_an_updated_assistant(make: Any) -> None:
    record = secretary(tool("get_time"), model="a", fallback_models=("b",), temperature=0.3)
    first = make(record).create_main_assistant(None)
    other = first.update_assistant(name="Brief")

    assert (other.name, other.id, other.window) == ("Brief", first.id, first.window)
    assert other._prompt == first._prompt
    assert [one.name for one in other._chain] == ["a", "b"]
    assert other._overrides == {"temperature": 0.3}
    assert [one.name for one in first.update_assistant(model="c")._chain] == ["c", "a", "b"]


async def test_tools_send_the_secrets_of_their_configuration(
    harness: AssistantHarness, make: Callable[..., AssistantFactory]
) -> None:
    server = FakeServer()
    harness.services = replace(harness.services, send=server.send, vault=VAULT)
    look_up = ToolSnapshot(
        id=uuid4(),
        name="look_up",
        tool_type="rest",
        description="Looks a word up",
        input_schema={"type": "object"},
        http_call=CallSnapshot(url="https://api.example.org/", query={"key": "{secret:key}"}),
    )
    factory = make(secretary(look_up), secrets=(secret("key", "sesame"),))
    assistant = factory.create_main_assistant(None)
    assert assistant is not None
    await assistant._execute_tool_call("look_up", {}, tool_context())

    assert only_request(server).url == "https://api.example.org/?key=sesame"


async def test_a_thread_is_the_one_that_was_begun_last_or_the_first(make: Any) -> None:
    assistant = make(secretary()).create_main_assistant(None)
    begun, user = uuid4(), person()

    assert assistant.get_or_create_thread(user) == first_thread_id(user.id, assistant.id)
    user = person(threads={assistant.id: begun})
    assert assistant.get_or_create_thread(user) == begun


async def test_an_assistant_is_built_once(make: Any) -> None:
    factory = make(secretary(), assistant("Poet"))

    assert factory.create_main_assistant(None) is factory.create_main_assistant(uuid4())
    poet = id_of("Poet")
    assert factory.create_sub_assistant(poet) is factory.create_sub_assistant(poet)
    assert factory.create_main_assistant(poet) is not factory.create_sub_assistant(poet)


async def test_who_is_not_active_is_nobody(make: Any) -> None:
    assert make().create_main_assistant(None) is None
    assert make(secretary()).create_sub_assistant(uuid4()) is None


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("", "Error: Nobody stands behind ask_poet. Tell the user."),
        ("Nobody", "Error: The assistant to be asked is not active. Tell the user."),
    ],
)
async def test_a_tool_behind_which_nobody_stands_is_told(
    harness: AssistantHarness, model: ScriptedModel, asked: str, told: str
) -> None:
    await harness.configure(secretary(tool("ask_assistant", "ask_poet", asks=asked)), version=2)
    model.expect(calls(("ask_poet", {"message": "x"})), "Nobody is there.")

    assert (await harness.say("hi")).text == "Nobody is there."
    assert model.asked[1].messages[-1]["content"] == told
