"""Assistants that call other assistants."""

from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import id_for, make_assistant, make_secretary, make_tool
from smart_kit.contracts.queue import Reply
from smart_kit.mailbox import StreamEntry
from smart_kit.testing.scripted_model import (
    ScriptedModel,
    make_error_response,
    make_tool_call_response,
)

ASK = ("ask_poet", {"message": "A verse about rain, please"})


def make_ask_tool(name: str, target: str) -> object:
    return make_tool("ask_assistant", name, sub_assistant=target)


async def test_sub_assistant_sees_only_its_request_and_returns_an_answer(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(make_ask_tool("ask_poet", "Poet")),
        make_assistant("Poet", model="poet-model"),
        version=2,
    )
    model.add_steps("Hello!", make_tool_call_response(ASK), "Drip, drop.", "Here: drip, drop.")
    await harness.say("hi")
    reply = await harness.say("a verse?")

    assert reply.text == "Here: drip, drop."
    assert model.requests[2].body["model"] == "poet-model"
    assert model.requests[2].messages == [
        {"role": "system", "content": "You are Poet."},
        {
            "role": "user",
            "content": "[Sat 2026-11-21 13:24 Europe/Berlin]\nA verse about rain, please",
        },
    ]
    assert model.requests[3].messages[-1]["content"] == "Drip, drop."


async def test_its_steps_are_dotted_on_and_its_receipts_are_the_answers(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(make_ask_tool("ask_helper", "Helper")),
        make_assistant("Helper", make_tool("create_reminder")),
        version=2,
    )
    model.add_steps(
        make_tool_call_response(("ask_helper", {"message": "remind"})),
        make_tool_call_response(("create_reminder", {"text": "stretch", "in_seconds": 60})),
        "Planned.",
        "All is planned.",
    )
    reply = await harness.say("remind me")

    assert isinstance(reply, Reply)
    assert [receipt.step for receipt in reply.receipts] == ["1.0.1.0"]
    assert harness.rest.requests[0].headers["Idempotency-Key"] == "tg:77:1/1.0.1.0"
    (record,) = await harness.read_turn_records()
    assert [step.step for step in record.steps] == ["1", "1.0", "1.0.1", "1.0.1.0", "1.0.2", "2"]
    assert [item["role"] for item in record.items] == ["user", "assistant", "tool", "assistant"]


async def test_receipts_of_a_failed_sub_assistant_are_sent(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(make_ask_tool("ask_helper", "Helper")),
        make_assistant("Helper", make_tool("create_reminder"), model="helper-model"),
        version=2,
    )
    model.add_steps(
        make_tool_call_response(("ask_helper", {"message": "remind"})),
        make_tool_call_response(("create_reminder", {"text": "stretch", "in_seconds": 60})),
        make_error_response(403, {"error": {"message": "no"}}),
        "It is planned, but the helper fell silent.",
    )
    reply = await harness.say("remind me")

    assert len(reply.receipts) == 1
    assert model.requests[3].messages[-1]["content"] == (
        "Error: ask_helper could not answer. Tell the user."
    )


async def test_three_levels_may_be_asked_and_the_fourth_may_not(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    """Also if two assistants call each other in a circle."""
    await harness.configure(
        make_secretary(make_ask_tool("ask_a", "A")),
        make_assistant("A", make_ask_tool("ask_b", "B")),
        make_assistant("B", make_ask_tool("ask_a", "A")),
        version=2,
    )
    ask_a, ask_b = (
        make_tool_call_response(("ask_a", {"message": "x"})),
        make_tool_call_response(("ask_b", {"message": "x"})),
    )
    model.add_steps(ask_a, ask_b, ask_a, ask_b, "three", "two", "one", "done")
    reply = await harness.say("go")

    assert reply.text == "done"
    assert "3 levels are the limit" in model.requests[4].messages[-1]["content"]
    assert model.requests[5].messages[-1]["content"] == "three"


async def test_all_of_them_share_the_turns_tool_calls(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(make_ask_tool("ask_a", "A")),
        make_assistant("A", make_tool("get_time")),
        version=2,
    )
    model.add_steps(
        make_tool_call_response(("ask_a", {"message": "x"})),
        make_tool_call_response(*[("get_time", {})] * 10),
        "inner",
        "outer",
    )
    await harness.say("go")

    inner = [m["content"] for m in model.requests[2].messages if m["role"] == "tool"]
    assert [content.startswith("Error: Not run") for content in inner] == [False] * 9 + [True]
    assert model.requests[3].body["tool_choice"] == "none"


async def test_another_attempt_does_not_ask_it_again(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(make_ask_tool("ask_poet", "Poet")), make_assistant("Poet"), version=2
    )
    model.add_steps(make_tool_call_response(ASK), "Drip, drop.", "Never sent.", "Here.")
    delivery = await harness.deliver(harness.make_message("a verse?"))
    await harness.orchestrator.process_message(delivery)
    await harness.mailbox.delay(delivery, 0)
    while await harness.mailbox.promote() is not None:
        pass
    await harness.handle(await harness.receive())

    assert len(model.requests) == 4
    assert model.requests[3].messages[-1]["content"] == "Drip, drop."


async def test_later_attempt_sends_the_receipts_of_a_sub_assistant(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(make_ask_tool("ask_helper", "Helper")),
        make_assistant("Helper", make_tool("create_reminder")),
        version=2,
    )
    model.add_steps(
        make_tool_call_response(("ask_helper", {"message": "remind"})),
        make_tool_call_response(("create_reminder", {"text": "stretch", "in_seconds": 60})),
        "Planned.",
        "Never sent.",
        "All is planned.",
    )
    delivery = await harness.deliver(harness.make_message("remind me"))
    await harness.orchestrator.process_message(delivery)
    again = await harness.mailbox.begin(StreamEntry(delivery.entry_id, delivery.conversation))
    assert again is not None
    reply = harness.parse_only_reply(await harness.handle(again))

    assert reply.text == "All is planned."
    assert [receipt.step for receipt in reply.receipts] == ["1.0.1.0"]


async def test_its_models_are_its_own_chain(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(
            make_ask_tool("ask_poet", "Poet"), model="boss-model", fallback_models=("boss-other",)
        ),
        make_assistant("Poet", model="poet-model", fallback_models=("poet-other",)),
        version=2,
    )
    refused = make_error_response(403, {"error": {"message": "no"}})
    model.add_steps(make_tool_call_response(ASK), refused, "Drip, drop.", "Here: drip, drop.")
    await harness.say("a verse?")

    assert [one.body["model"] for one in model.requests] == [
        "boss-model",
        "poet-model",
        "poet-other",
        "boss-model",
    ]
    (record,) = await harness.read_turn_records()
    (step,) = [one for one in record.steps if one.step == "1.0.1"]
    assert (step.name, step.assistant_id) == ("poet-other", id_for("Poet"))
    assert [failure.model for failure in step.failures] == ["poet-model"]


async def test_its_limits_are_its_own(harness: AssistantHarness, model: ScriptedModel) -> None:
    await harness.configure(
        make_secretary(
            make_ask_tool("ask_helper", "Helper"), make_tool("get_time"), temperature=0.5
        ),
        make_assistant("Helper", make_tool("get_time"), max_tool_calls=1, temperature=0.1),
        version=2,
    )
    time = ("get_time", {})
    model.add_steps(
        make_tool_call_response(("ask_helper", {"message": "x"})),
        make_tool_call_response(time, time),
        "inner",
        make_tool_call_response(time),
        "outer",
    )
    reply = await harness.say("go")

    assert reply.text == "outer"
    inner = [one["content"] for one in model.requests[2].messages if one["role"] == "tool"]
    assert [content.startswith("Error: Not run") for content in inner] == [False, True]
    assert model.requests[2].body["tool_choice"] == "none"
    assert not model.requests[4].messages[-1]["content"].startswith("Error")
    assert [one.body["temperature"] for one in model.requests] == [0.5, 0.1, 0.1, 0.5, 0.5]
