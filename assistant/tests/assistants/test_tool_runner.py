"""The calls of one answer: which of them run, when, and the errors for the others."""

import asyncio
from typing import ClassVar

import pytest
from prometheus_client import REGISTRY

from assistant.src.core.journal import ToolResult
from assistant.src.core.turn import TURN_TIMEOUT_SECONDS
from assistant.src.tools import rest_service_tool
from assistant.src.tools.base import ToolContext
from assistant.src.tools.time_tool import TimeTool
from assistant.tests.assistants.llm_chat_helpers import REMIND, get_tool_results, take_over
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import (
    ALICES_THREAD,
    make_assistant,
    make_secretary,
    make_tool,
    make_user,
)
from assistant.tests.virtual_time_harness import VirtualTimeHarness, run_in_virtual_time
from smart_kit.contracts.builtin_functions import GetTimeArguments
from smart_kit.contracts.queue import Notice
from smart_kit.mailbox import LeaseLost
from smart_kit.settings import RedisSettings
from smart_kit.testing.scripted_model import ScriptedModel, make_tool_call_response

TIME = ("get_time", {})


async def test_results_are_in_the_order_of_the_calls(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    places = [("get_time", {"place": place}) for place in ("Tokyo", "Lisbon", "Cairo")]
    model.add_steps(make_tool_call_response(*places[:2], REMIND, ("fly", {}), places[2]), "Done.")
    reply = await harness.say("hi")

    tokyo, lisbon, reminded, flown, cairo = get_tool_results(model.requests[1])
    assert ["Asia/Tokyo" in tokyo, "Europe/Lisbon" in lisbon, "Africa/Cairo" in cairo] == [True] * 3
    assert flown == ("Error: There is no tool 'fly'. The tools are: create_reminder, get_time.")
    (record,) = await harness.read_turn_records()
    assert [(step.step, step.name, step.result) for step in record.steps[1:-1]] == [
        ("1.0", "get_time", tokyo),
        ("1.1", "get_time", lisbon),
        ("1.2", "create_reminder", reminded),
        ("1.3", "fly", flown),
        ("1.4", "get_time", cairo),
    ]
    assert [receipt.step for receipt in reply.receipts] == ["1.2"]


async def test_unknown_tool_error_names_none_without_tools(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(make_secretary(), version=2)
    model.add_steps(make_tool_call_response(("fly", {})), "I cannot.")
    await harness.say("fly")

    output = "Error: There is no tool 'fly'. The tools are: none."
    assert output in model.requests[1].messages[-1]["content"]


async def test_calls_beyond_the_limit_of_a_turn_get_an_error(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(make_tool("ask_assistant", "ask_a", sub_assistant="A")),
        make_assistant("A", make_tool("get_time")),
        version=2,
    )
    model.add_steps(
        make_tool_call_response(("ask_a", {"message": "x"})),
        make_tool_call_response(*[TIME] * 10),
        "inner",
        "outer",
    )
    await harness.say("go")

    _, _, calling_message, *_, last = model.requests[2].messages
    assert last["tool_call_id"] == calling_message["tool_calls"][-1]["id"]
    assert get_tool_results(model.requests[2])[-1] == (
        "Error: Not run: a turn has at most 10 tool calls. Answer with what you have, and say"
        " what is left undone."
    )


async def test_calls_beyond_the_limit_of_an_assistant_get_an_error(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(make_secretary(make_tool("get_time"), max_tool_calls=1), version=2)
    model.add_steps(make_tool_call_response(TIME, TIME), "One.")
    await harness.say("hi")

    assert get_tool_results(model.requests[1])[1] == (
        "Error: Not run: no more tool calls are allowed. Answer with what you have, and say what"
        " is left undone."
    )


async def test_only_calls_that_ran_are_counted_by_their_function(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    def read_call_count() -> float:
        labels = {"function": "get_time"}
        return REGISTRY.get_sample_value("smart_assistant_tool_calls_total", labels) or 0

    await harness.configure(
        make_secretary(make_tool("get_time", "clock"), max_tool_calls=2), version=2
    )
    before = read_call_count()
    model.add_steps(make_tool_call_response(("clock", {}), ("fly", {}), ("clock", {})), "Done.")
    await harness.say("hi")

    assert read_call_count() - before == 1


@pytest.mark.clock("virtual")
def test_lost_message_cancels_all_parallel_calls(
    redis_settings: RedisSettings,
) -> None:
    async def scenario(virtual: VirtualTimeHarness) -> None:
        harness, loop = virtual.harness, asyncio.get_running_loop()
        await harness.configure(make_secretary(make_tool("list_tasks")), version=2)
        await harness.store_user(make_user())
        await harness.history.mark_new_thread(ALICES_THREAD)
        delivery = await harness.deliver(harness.make_message("list"))
        one_runs, other_runs = asyncio.Event(), asyncio.Event()
        ended_at: list[float] = []

        async def take_over_during_call() -> None:
            if not one_runs.is_set():
                one_runs.set()
                await other_runs.wait()
                await take_over(harness, delivery)
                return
            other_runs.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(1)  # it has something to put away
                ended_at.append(loop.time())

        harness.rest.on_request = take_over_during_call
        began = loop.time()
        with pytest.raises(LeaseLost):
            await harness.orchestrator.process_message(delivery)
        assert [at - began < 2 for at in ended_at] == [True], "it ended at once, and before us"

    with ScriptedModel(make_tool_call_response(("list_tasks", {}), ("list_tasks", {}))) as model:
        run_in_virtual_time(redis_settings, model, scenario)


class WorkerKilled(BaseException):
    """Ends a task as kill -9 ends its process."""


class NonIdempotentTool(TimeTool):
    """Writes to a server without idempotency keys; its worker dies the first time."""

    is_repeatable: ClassVar[bool] = False
    written_keys: ClassVar[list[str]]

    async def _run(self, context: ToolContext, arguments: GetTimeArguments) -> ToolResult:
        self.written_keys.append(context.idempotency_key)
        raise WorkerKilled


async def test_interrupted_external_write_is_not_repeated(
    harness: AssistantHarness, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rest_service_tool.TOOLS, "get_time", NonIdempotentTool)
    NonIdempotentTool.written_keys = []
    model.add_steps(make_tool_call_response(TIME), "It is not known.")
    delivery = await harness.deliver(harness.make_message("write"))
    with pytest.raises(WorkerKilled):
        await harness.orchestrator.process_message(delivery)
    reply = harness.parse_only_reply(await harness.handle(await take_over(harness, delivery)))

    assert reply.text == "It is not known."
    assert NonIdempotentTool.written_keys == ["tg:77:1/1.0"]
    (output,) = get_tool_results(model.requests[1])
    assert output == (
        "Error: The call was started and interrupted; whether it was done is not known, and it is"
        " not repeated. Tell the user."
    )


@pytest.mark.clock("virtual")
def test_tools_that_took_the_turns_time_are_not_blamed_on_the_model(
    redis_settings: RedisSettings,
) -> None:
    """No further call is started that late, and the next turn knows of the ones that ran."""

    async def scenario(virtual: VirtualTimeHarness) -> None:
        harness = virtual.harness
        harness.rest.delay_seconds = TURN_TIMEOUT_SECONDS
        answer = await virtual.say()
        assert isinstance(answer.reply, Notice)
        assert answer.reply.notice == "turn_failed"
        assert len(harness.rest.created) == len(answer.reply.receipts) == 1
        (record,) = await harness.read_turn_records()
        call_ids = [call["id"] for call in record.items[1]["tool_calls"]]
        assert [item["tool_call_id"] for item in record.items[2:4]] == call_ids
        assert [item["content"] for item in record.items[3:]] == [
            "Error: Not run: no time is left in this turn.",
            "(I could not finish this answer.)",
        ]

    with ScriptedModel(make_tool_call_response(REMIND, REMIND), default_step="Done.") as model:
        run_in_virtual_time(redis_settings, model, scenario)
