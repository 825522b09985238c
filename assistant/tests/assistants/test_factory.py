"""Which assistant is built from a record."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args
from uuid import uuid4

import pytest

from assistant.src.assistants.factory import ASSISTANT_TYPES, AssistantFactory
from assistant.src.messages.context_window import ContextWindow
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.model_registry import ModelRegistry
from assistant.src.services.models.transport.endpoint import EndpointPool
from assistant.tests.harness import AssistantHarness
from assistant.tests.services.models.fake_openai_server import (
    StubResponse,
    run_fake_openai_server,
)
from assistant.tests.snapshot_builders import (
    id_for,
    make_assistant,
    make_model,
    make_secretary,
    make_tool,
    make_user,
)
from assistant.tests.tools.rest_tool_harness import (
    VAULT,
    FakeServer,
    get_only_request,
    make_secret,
    make_tool_context,
)
from smart_kit.contracts.assistants import AssistantType
from smart_kit.contracts.configuration import (
    AssistantSnapshot,
    ConfigurationSnapshot,
    HttpCallSnapshot,
    ToolSnapshot,
)
from smart_kit.contracts.threads import derive_first_thread_id
from smart_kit.testing.scripted_model import (
    ScriptedModel,
    make_error_response,
    make_tool_call_response,
)
from smart_kit.vault import Vault


@pytest.fixture
def make_factory(harness: AssistantHarness) -> Callable[..., AssistantFactory]:
    def build(*records: AssistantSnapshot, **changes: Any) -> AssistantFactory:
        configuration = ConfigurationSnapshot(version=1, assistants=records, **changes)
        registry = ModelRegistry(configuration, EndpointPool(), Vault(()))
        return AssistantFactory(
            registry, ModelClient(), harness.services, ContextWindow(20, 32_000)
        )

    return build


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


async def test_openai_api_assistant_uses_the_responses_api_of_any_model(
    harness: AssistantHarness,
) -> None:
    """The earlier output of the model goes back unchanged."""
    whole = {"status": "completed", "output": OUTPUT, "usage": {"input_tokens": 9}}
    async with run_fake_openai_server(lambda _: StubResponse(json.dumps(whole))) as server:
        harness.provider = harness.provider.model_copy(
            update={"base_url": server.endpoint.base_url}
        )
        await harness.configure(
            make_secretary(
                make_tool("ask_assistant", "ask_poet", sub_assistant="Poet"),
                assistant_type="openai_api",
            ),
            make_assistant("Poet", assistant_type="openai_api"),
            version=2,
        )
        reply = [await harness.say("hi"), await harness.say("bye")]

    assert [one.text for one in reply] == ["Hello!", "Hello!"]
    assert server.paths == ["/v1/responses"] * 2
    assert server.requests[1]["input"][1:3] == OUTPUT
    assert server.requests[1]["store"] is False


async def test_openai_api_assistant_falls_back_to_chat_completions(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(
            make_tool("get_time"), assistant_type="openai_api", fallback_models=("chatty",)
        ),
        version=2,
    )
    model.add_steps(make_error_response(401), "Noon.")
    reply = await harness.say("what time is it?")

    assert reply.text == "Noon."
    assert [one.body["model"] for one in model.requests] == ["default-model", "chatty"]


async def test_an_assistants_limits_are_its_own(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    limits = {"temperature": 0.3, "max_output_tokens": 99, "max_tool_calls": 1}
    await harness.configure(
        make_secretary(make_tool("get_time"), max_context_messages=2, **limits), version=2
    )
    twice = make_tool_call_response(("get_time", {}), ("get_time", {}))
    model.add_steps("Hello!", twice, "One was enough.", "Bye.")
    for text in ("hi", "what time is it?", "bye"):
        await harness.say(text)

    assert (model.requests[0].body["temperature"], model.requests[0].body["max_tokens"]) == (
        0.3,
        99,
    )
    results = [one["content"] for one in model.requests[2].messages if one["role"] == "tool"]
    assert [result.startswith("Error: Not run") for result in results] == [False, True]
    assert model.requests[2].body["tool_choice"] == "none"
    assert "hi" not in str(model.requests[3].messages)


async def test_an_assistant_that_may_call_nothing_is_offered_nothing(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(make_secretary(make_tool("get_time"), max_tool_calls=0), version=2)
    model.add_steps("Hello!")
    await harness.say("hi")

    assert model.requests[0].body.keys() == {"model", "messages"}


async def test_the_chain_is_its_own_model_then_its_fallbacks(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(make_secretary(model="a", fallback_models=("b", "a", "c")), version=2)
    model.add_steps(make_error_response(401), make_error_response(401), "From c.")
    await harness.say("hi")

    assert [one.body["model"] for one in model.requests] == ["a", "b", "c"]
    (record,) = await harness.read_turn_records()
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
async def test_chosen_model_is_used_while_it_is_selectable(
    harness: AssistantHarness, model: ScriptedModel, chosen: str, asked: str
) -> None:
    """Sub-assistants use models of their own."""
    harness.models = {
        "nice": make_model("nice", is_user_selectable=True),
        "secret": make_model("secret"),
    }
    await harness.configure(
        make_secretary(make_tool("ask_assistant", "ask_poet", sub_assistant="Poet")),
        make_assistant("Poet"),
        version=2,
    )
    await harness.store_user(make_user(model=chosen))
    model.add_steps(
        make_tool_call_response(("ask_poet", {"message": "x"})), "Drip.", "Drip, he says."
    )
    await harness.say("hi")

    assert [one.body["model"] for one in model.requests] == [asked, "default-model", asked]


async def test_where_the_chosen_model_is_away_the_assistants_own_answers(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.models = {"nice": make_model("nice", is_user_selectable=True)}
    await harness.configure(make_secretary(), version=2)
    await harness.store_user(make_user(model="nice"))
    model.add_steps(make_error_response(401), "It is me.")
    await harness.say("hi")

    assert [one.body["model"] for one in model.requests] == ["nice", "default-model"]


async def test_update_assistant_returns_a_copy_of_the_same_type(
    make_factory: Any,
) -> None:
    factory = make_factory(
        make_secretary(make_tool("get_time"), assistant_type="openai_api", model="a")
    )
    first = factory.create_main_assistant(None)
    other = first.update_assistant(tools=(), instructions="Be brief.", model="b", name="Brief")

    assert type(other) is type(first)
    assert (other.id, other.name, first.name) == (first.id, "Brief", "Secretary")
    assert other._prompt.instructions == "Be brief."
    assert (other._prompt.chat_tools, bool(first._prompt.chat_tools)) == ("", True)
    assert ([one.name for one in other._chain], [one.name for one in first._chain]) == (
        ["b", "a"],
        ["a"],
    )


async def test_update_assistant_keeps_values_that_are_not_given(make_factory: Any) -> None:
    record = make_secretary(
        make_tool("get_time"), model="a", fallback_models=("b",), temperature=0.3
    )
    first = make_factory(record).create_main_assistant(None)
    other = first.update_assistant(name="Brief")

    assert (other.name, other.id, other.window) == ("Brief", first.id, first.window)
    assert other._prompt == first._prompt
    assert [one.name for one in other._chain] == ["a", "b"]
    assert other._overrides == {"temperature": 0.3}
    assert [one.name for one in first.update_assistant(model="c")._chain] == ["c", "a", "b"]


async def test_tools_send_the_secrets_of_their_configuration(
    harness: AssistantHarness, make_factory: Callable[..., AssistantFactory]
) -> None:
    server = FakeServer()
    harness.services = replace(harness.services, send_http=server.send, vault=VAULT)
    look_up = ToolSnapshot(
        id=uuid4(),
        name="look_up",
        tool_type="rest",
        description="Looks a word up",
        input_schema={"type": "object"},
        http_call=HttpCallSnapshot(url="https://api.example.org/", query={"key": "{secret:key}"}),
    )
    factory = make_factory(make_secretary(look_up), secrets=(make_secret("key", "sesame"),))
    assistant = factory.create_main_assistant(None)
    assert assistant is not None
    await assistant._tool_runner._execute_tool_call("look_up", {}, make_tool_context())

    assert get_only_request(server).url == "https://api.example.org/?key=sesame"


async def test_current_thread_is_the_newest_or_the_first(make_factory: Any) -> None:
    assistant = make_factory(make_secretary()).create_main_assistant(None)
    thread_id, user = uuid4(), make_user()

    assert assistant.get_or_create_thread(user) == derive_first_thread_id(user.id, assistant.id)
    user = make_user(threads={assistant.id: thread_id})
    assert assistant.get_or_create_thread(user) == thread_id


async def test_an_assistant_is_built_once(make_factory: Any) -> None:
    factory = make_factory(make_secretary(), make_assistant("Poet"))

    assert factory.create_main_assistant(None) is factory.create_main_assistant(uuid4())
    poet = id_for("Poet")
    assert factory.create_sub_assistant(poet) is factory.create_sub_assistant(poet)
    assert factory.create_main_assistant(poet) is not factory.create_sub_assistant(poet)


async def test_inactive_assistant_is_not_created(make_factory: Any) -> None:
    assert make_factory().create_main_assistant(None) is None
    assert make_factory(make_secretary()).create_sub_assistant(uuid4()) is None


@pytest.mark.parametrize(
    ("asked", "reported"),
    [
        ("", "Error: ask_poet names no assistant. Tell the user."),
        ("Nobody", "Error: The assistant is not active. Tell the user."),
    ],
)
async def test_tool_of_an_inactive_assistant_returns_an_error(
    harness: AssistantHarness, model: ScriptedModel, asked: str, reported: str
) -> None:
    await harness.configure(
        make_secretary(make_tool("ask_assistant", "ask_poet", sub_assistant=asked)), version=2
    )
    model.add_steps(make_tool_call_response(("ask_poet", {"message": "x"})), "Nobody is there.")

    assert (await harness.say("hi")).text == "Nobody is there."
    assert model.requests[1].messages[-1]["content"] == reported
