"""Which calls of one answer run together, and which one after the other."""

import threading
from uuid import uuid4

import pytest

from assistant.tests.assistants.llm_chat_helpers import tool_results
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshots import assistant, secretary, tool
from smart_kit.contracts.configuration import CallSnapshot, ToolSnapshot
from smart_kit.contracts.tools import EffectClass
from smart_kit.testing.scripted_model import Asked, ScriptedModel, calls

ASK_BOTH = calls(("ask_poet", {"message": "hi"}), ("ask_cook", {"message": "hi"}))


def outside(effect_class: EffectClass) -> ToolSnapshot:
    return ToolSnapshot(
        id=uuid4(),
        name="look_up",
        tool_type="rest",
        description="Looks a word up",
        input_schema={"type": "object"},
        effect_class=effect_class,
        http_call=CallSnapshot(url="https://words.example/"),
    )


async def give_both(harness: AssistantHarness, *tools: ToolSnapshot) -> None:
    """The secretary can ask two assistants that hold these tools."""
    asks = {name: tool("ask_assistant", f"ask_{name.lower()}", asks=name) for name in NAMES}
    both = (assistant(name, *tools) for name in NAMES)
    await harness.configure(secretary(*asks.values()), *both, version=2)


NAMES = ("Poet", "Cook")


@pytest.mark.parametrize(
    "tools", [(), (tool("list_tasks"), tool("get_weather")), (outside("reads_outside"),)]
)
async def test_calls_that_only_read_run_together_and_answer_in_their_order(
    harness: AssistantHarness, model: ScriptedModel, tools: tuple[ToolSnapshot, ...]
) -> None:
    await give_both(harness, *tools)
    both = threading.Barrier(2, timeout=60)

    def answer(asked: Asked) -> str:
        both.wait()
        return f"I am {asked.messages[0]['content']}"

    model.expect(ASK_BOTH, answer, answer, "Both.")
    await harness.say("ask them")

    assert tool_results(model.asked[3]) == ["I am You are Poet.", "I am You are Cook."]


@pytest.mark.parametrize(
    "writing",
    [
        tool("create_reminder"),
        outside("writes"),
        tool("ask_assistant", "ask_secretary", asks="Secretary"),
        tool("list_tasks", name="of_a_later_version"),
    ],
    ids=lambda one: one.name,
)
async def test_calls_that_may_write_run_one_after_the_other(
    harness: AssistantHarness, model: ScriptedModel, writing: ToolSnapshot
) -> None:
    """Also where nobody knows what one does."""
    await give_both(harness, tool("get_time"), writing)
    time = calls(("get_time", {}))
    model.expect(ASK_BOTH, time, "Noon.", time, "Noon.", "Both.")
    await harness.say("ask them")

    asked = [one.messages[0]["content"] for one in model.asked[1:-1]]
    assert asked == ["You are Poet."] * 2 + ["You are Cook."] * 2
