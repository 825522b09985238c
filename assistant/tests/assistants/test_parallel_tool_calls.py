"""Which calls of one answer run in parallel, and which one after the other."""

from uuid import uuid4

import pytest

from assistant.tests.assistants.llm_chat_helpers import get_tool_results
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import make_assistant, make_secretary, make_tool
from assistant.tests.virtual_time_harness import VirtualTimeHarness, run_in_virtual_time
from smart_kit.contracts.configuration import HttpCallSnapshot, ToolSnapshot
from smart_kit.contracts.tools import EffectClass
from smart_kit.settings import RedisSettings
from smart_kit.testing.scripted_model import (
    RecordedRequest,
    ScriptedModel,
    ScriptedResponse,
    make_text_response,
    make_tool_call_response,
)

NAMES = ("Poet", "Cook")
ASK_BOTH = make_tool_call_response(("ask_poet", {"message": "hi"}), ("ask_cook", {"message": "hi"}))


def make_rest_tool(effect_class: EffectClass) -> ToolSnapshot:
    return ToolSnapshot(
        id=uuid4(),
        name="look_up",
        tool_type="rest",
        description="Looks a word up",
        input_schema={"type": "object"},
        effect_class=effect_class,
        http_call=HttpCallSnapshot(url="https://words.example/"),
    )


async def configure_both(harness: AssistantHarness, *tools: ToolSnapshot) -> None:
    """Configure a secretary that can call two assistants with these tools."""
    ask_tools = {
        name: make_tool("ask_assistant", f"ask_{name.lower()}", sub_assistant=name)
        for name in NAMES
    }
    both = (make_assistant(name, *tools) for name in NAMES)
    await harness.configure(make_secretary(*ask_tools.values()), *both, version=2)


def measure_asking_both(redis_settings: RedisSettings, *other_tools: ToolSnapshot) -> float:
    """Return the duration of two calls whose assistants each read for 20 seconds, after checking
    the order of their answers."""

    def respond(request: RecordedRequest) -> ScriptedResponse:
        instructions = request.messages[0]["content"]
        if request.messages[-1]["role"] == "tool":
            return make_text_response(f"I am: {instructions}")
        return (
            ASK_BOTH
            if instructions == "You are Secretary."
            else make_tool_call_response(("list_tasks", {}))
        )

    async def scenario(virtual: VirtualTimeHarness) -> None:
        await configure_both(virtual.harness, make_tool("list_tasks"), *other_tools)
        virtual.harness.rest.delay_seconds = 20
        answer = await virtual.say()
        seconds.append(answer.seconds)
        assert answer.reply.text == "I am: You are Secretary."
        assert get_tool_results(model.requests[-1]) == [
            "I am: You are Poet.",
            "I am: You are Cook.",
        ]

    seconds = list[float]()
    with ScriptedModel(default_step=respond) as model:
        run_in_virtual_time(redis_settings, model, scenario)
    return seconds[0]


@pytest.mark.clock("virtual")
@pytest.mark.parametrize(
    "others", [(), (make_tool("get_weather"), make_rest_tool("reads_outside"))]
)
def test_calls_that_only_read_run_together(
    redis_settings: RedisSettings, others: tuple[ToolSnapshot, ...]
) -> None:
    assert 20 <= measure_asking_both(redis_settings, *others) < 25


@pytest.mark.clock("virtual")
@pytest.mark.parametrize(
    "writing",
    [
        make_tool("create_reminder"),
        make_rest_tool("writes"),
        make_tool("ask_assistant", "ask_secretary", sub_assistant="Secretary"),
        make_tool("list_tasks", name="of_a_later_version"),
    ],
    ids=lambda one: one.name,
)
def test_calls_that_may_write_run_one_after_the_other(
    redis_settings: RedisSettings, writing: ToolSnapshot
) -> None:
    """Also calls of tools whose effect is not known."""
    assert measure_asking_both(redis_settings, writing) >= 40
