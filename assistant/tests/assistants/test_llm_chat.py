"""The loop between a model and its tools."""

import asyncio
import json
import threading
from dataclasses import replace

import pytest

from assistant.tests.assistants.llm_chat_helpers import REMIND, get_tool_results
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import make_secretary, make_tool
from smart_kit.contracts.queue import Notice, Reply
from smart_kit.testing.ports import free_port
from smart_kit.testing.scripted_model import (
    ScriptedModel,
    make_gated_response,
    make_response,
    make_tool_call_response,
)


async def test_a_tool_is_run_and_its_result_goes_to_the_model(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps(
        make_tool_call_response(("get_time", {"place": "Tokyo"})), "It is evening in Tokyo."
    )
    reply = await harness.say("What time is it in Tokyo?")

    assert reply.text == "It is evening in Tokyo."
    *_, call, result = model.requests[1].messages
    assert call["tool_calls"][0]["function"] == {
        "name": "get_time",
        "arguments": '{"place":"Tokyo"}',
    }
    assert result["tool_call_id"] == call["tool_calls"][0]["id"]
    assert "Asia/Tokyo" in result["content"]


async def test_the_archive_gets_every_step(harness: AssistantHarness, model: ScriptedModel) -> None:
    model.add_steps(make_tool_call_response(("get_time", {}), REMIND), "Done.")
    await harness.say("hi")

    (record,) = await harness.read_turn_records()
    assert [(step.step, step.kind, step.name) for step in record.steps] == [
        ("1", "model", "default-model"),
        ("1.0", "tool", "get_time"),
        ("1.1", "tool", "create_reminder"),
        ("2", "model", "default-model"),
    ]
    assert record.steps[2].arguments == REMIND[1]
    assert (record.steps[0].prompt_tokens, record.steps[0].completion_tokens) == (10, 5)
    assert [step.finish_reason for step in record.steps] == ["tool_calls", "", "", "stop"]
    assert [item["role"] for item in record.items] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
    ]


async def test_answer_has_the_receipts_of_tools(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps(make_tool_call_response(REMIND), "I will.")
    reply = await harness.say("remind me")

    assert isinstance(reply, Reply)
    assert [(one.kind, one.step) for one in reply.receipts] == [("reminder_created", "1.0")]


@pytest.mark.parametrize(
    ("name", "arguments", "reported"),
    [
        ("get_weather", {}, "There is no tool 'get_weather'. The tools are: create_reminder, get_"),
        ("get_time", '{"place": ', "The arguments are not JSON"),
        ("get_time", "[1]", "must be one JSON object"),
        ("get_time", {"place": 5}, "place: 5 is not of type 'string'"),
        ("get_time", {"city": "Tokyo"}, "'city' was unexpected"),
        ("create_reminder", {"in_seconds": 5}, "'text' is a required property"),
        ("create_reminder", {"text": "x", "in_seconds": 0}, "0 is less than the minimum of 1"),
        ("create_reminder", {"text": "x"}, "give one of at, in_seconds and cron"),
        ("create_reminder", {"text": "x", "at": "tomorrow"}, "at: Input should be a valid date"),
        ("create_reminder", {"text": "a\0b", "in_seconds": 5}, "NUL"),
        ("get_time", {"place": "Atlantis"}, "No single time zone is known for 'Atlantis'"),
    ],
)
async def test_wrong_arguments_are_explained_and_can_be_corrected(
    harness: AssistantHarness, model: ScriptedModel, name: str, arguments: dict | str, reported: str
) -> None:
    model.add_steps(
        make_tool_call_response((name, arguments)),
        make_tool_call_response(("get_time", {})),
        "There.",
    )

    assert (await harness.say("hi")).text == "There."
    (result,) = get_tool_results(model.requests[1])
    assert result.startswith("Error: ")
    assert reported in result
    assert "Error" not in get_tool_results(model.requests[2])[1]
    assert harness.rest.requests == []


async def test_broken_arguments_are_replayed_as_json_that_every_server_can_read(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps(make_tool_call_response(("get_time", '{"place": ')), "There.")
    await harness.say("hi")

    assert model.requests[1].messages[-2]["tool_calls"][0]["function"]["arguments"] == "{}"


async def test_optional_arguments_may_be_null(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    given = {"text": "stretch", "in_seconds": 60, "at": None, "cron": None}
    model.add_steps(make_tool_call_response(("create_reminder", given)), "Done.")
    reply = await harness.say("remind me")

    assert len(reply.receipts) == 1


async def test_a_call_that_was_cut_off_is_not_run(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    body = json.loads(make_tool_call_response(REMIND).body)
    body["choices"][0]["finish_reason"] = "length"
    model.add_steps(make_response(body), "Sorry.")
    await harness.say("remind me")

    assert harness.rest.requests == []
    assert "cut off" in get_tool_results(model.requests[1])[0]


async def test_a_broken_tool_does_not_cost_the_answer(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.services = replace(harness.services, clock=None)  # type: ignore[arg-type] # any bug will do
    model.add_steps(make_tool_call_response(("get_time", {})), "I cannot tell.")

    assert (await harness.say("what time is it?")).text == "I cannot tell."
    assert get_tool_results(model.requests[1]) == ["Error: The tool failed. Tell the user."]


async def test_after_ten_calls_the_model_has_to_answer(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    six = make_tool_call_response(*[("get_time", {})] * 6)
    model.add_steps(six, six, "Enough.")
    reply = await harness.say("hi")

    assert reply.text == "Enough."
    last = get_tool_results(model.requests[2])
    assert [result.startswith("Error: Not run") for result in last] == [False] * 10 + [True] * 2
    assert model.requests[2].body["tool_choice"] == "none"
    assert "tool_choice" not in model.requests[1].body


async def test_a_model_that_never_stops_calling_ends_in_a_notice(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    ten = make_tool_call_response(*[("get_time", {})] * 10)
    model.add_steps(ten, ten)
    reply = await harness.say("hi")

    assert isinstance(reply, Notice)
    assert reply.notice == "turn_failed"


async def test_calls_of_a_last_answer_are_left_out_of_the_history(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps(
        make_tool_call_response(*[("get_time", {})] * 10),
        make_tool_call_response(("get_time", {}), text="So be it."),
        "Next.",
    )
    assert (await harness.say("hi")).text == "So be it."
    await harness.say("and now?")

    assert model.requests[2].messages[-2] == {"role": "assistant", "content": "So be it."}


async def test_running_turn_keeps_its_connection_after_reconfiguration(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    until = threading.Event()
    model.add_steps(make_gated_response(until, make_tool_call_response(("get_time", {}))), "Noon.")
    running = asyncio.create_task(harness.say("what time is it?"))
    async with asyncio.timeout(60):
        while not model.requests:
            await asyncio.sleep(0.01)
    session = harness.get_model_connection()
    harness.provider = harness.provider.model_copy(
        update={"base_url": f"http://127.0.0.1:{free_port()}/v1"}
    )
    await harness.configure(make_secretary(make_tool("get_time")), version=2)
    bob = harness.make_command("undo").model_copy(update={"conversation": "tg:77:2", "chat_id": 2})
    await harness.handle(await harness.deliver(bob))
    is_open = not session.closed
    until.set()

    assert (await running).text == "Noon."
    assert is_open
    assert len(model.requests) == 2


async def test_a_turn_without_tools_writes_no_journal(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps("Hello!")
    delivery = await harness.deliver(harness.make_message("hi"))
    await harness.orchestrator.process_message(delivery)

    assert await harness.mailbox.load_journal("tg:77:1") == {}
