"""Which calls of one answer run together, and which one after the other."""

from uuid import uuid4

import pytest

from assistant.tests.assistants.llm_chat_helpers import tool_results
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshots import assistant, secretary, tool
from assistant.tests.virtual_time_harness import VirtualTimeHarness, run_in_virtual_time
from smart_kit.contracts.configuration import CallSnapshot, ToolSnapshot
from smart_kit.contracts.tools import EffectClass
from smart_kit.settings import RedisSettings
from smart_kit.testing.scripted_model import Answer, Asked, ScriptedModel, calls, says

NAMES = ("Poet", "Cook")
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


def seconds_of_asking_both(redis_settings: RedisSettings, *others: ToolSnapshot) -> float:
    """Both read for 20 seconds, and hold other tools too; their answers come in their order."""

    def line(asked: Asked) -> Answer:
        instructions = asked.messages[0]["content"]
        if asked.messages[-1]["role"] == "tool":
            return says(f"I am: {instructions}")
        return ASK_BOTH if instructions == "You are Secretary." else calls(("list_tasks", {}))

    async def scenario(virtual: VirtualTimeHarness) -> None:
        await give_both(virtual.harness, tool("list_tasks"), *others)
        virtual.harness.rest.delay_seconds = 20
        said = await virtual.say()
        seconds.append(said.seconds)
        assert said.answer.text == "I am: You are Secretary."
        assert tool_results(model.asked[-1]) == ["I am: You are Poet.", "I am: You are Cook."]

    seconds = list[float]()
    with ScriptedModel(otherwise=line) as model:
        run_in_virtual_time(redis_settings, model, scenario)
    return seconds[0]


@pytest.mark.clock("virtual")
@pytest.mark.parametrize("others", [(), (tool("get_weather"), outside("reads_outside"))])
def test_calls_that_only_read_run_together(
    redis_settings: RedisSettings, others: tuple[ToolSnapshot, ...]
) -> None:
    assert 20 <= seconds_of_asking_both(redis_settings, *others) < 25


@pytest.mark.clock("virtual")
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
def test_calls_that_may_write_run_one_after_the_other(
    redis_settings: RedisSettings, writing: ToolSnapshot
) -> None:
    """Also where nobody knows what one does."""
    assert seconds_of_asking_both(redis_settings, writing) >= 40
