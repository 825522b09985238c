"""Assistants that ask assistants."""

from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshots import assistant, id_of, secretary, tool
from smart_kit.contracts.queue import Reply
from smart_kit.mailbox import Entry
from smart_kit.testing.scripted_model import ScriptedModel, calls, fails

ASK = ("ask_poet", {"message": "A verse about rain, please"})


def asks(name: str, whom: str) -> object:
    return tool("ask_assistant", name, asks=whom)


async def test_the_other_one_sees_only_what_it_is_asked_and_its_answer_comes_back(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        secretary(asks("ask_poet", "Poet")), assistant("Poet", model="poet-model"), version=2
    )
    model.expect("Hello!", calls(ASK), "Drip, drop.", "Here: drip, drop.")
    await harness.say("hi")
    said = await harness.say("a verse?")

    assert said.text == "Here: drip, drop."
    assert model.asked[2].body["model"] == "poet-model"
    assert model.asked[2].messages == [
        {"role": "system", "content": "You are Poet."},
        {
            "role": "user",
            "content": "[Sat 2026-11-21 13:24 Europe/Berlin]\nA verse about rain, please",
        },
    ]
    assert model.asked[3].messages[-1]["content"] == "Drip, drop."


async def test_its_steps_are_dotted_on_and_its_receipts_are_the_answers(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        secretary(asks("ask_helper", "Helper")),
        assistant("Helper", tool("create_reminder")),
        version=2,
    )
    model.expect(
        calls(("ask_helper", {"message": "remind"})),
        calls(("create_reminder", {"text": "stretch", "in_seconds": 60})),
        "Planned.",
        "All is planned.",
    )
    said = await harness.say("remind me")

    assert isinstance(said, Reply)
    assert [receipt.step for receipt in said.receipts] == ["1.0.1.0"]
    assert harness.rest.requests[0].headers["Idempotency-Key"] == "tg:77:1/1.0.1.0"
    (record,) = await harness.turn_records()
    assert [step.step for step in record.steps] == ["1", "1.0", "1.0.1", "1.0.1.0", "1.0.2", "2"]
    assert [item["role"] for item in record.items] == ["user", "assistant", "tool", "assistant"]


async def test_what_it_changed_is_told_although_it_never_answered(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        secretary(asks("ask_helper", "Helper")),
        assistant("Helper", tool("create_reminder"), model="helper-model"),
        version=2,
    )
    model.expect(
        calls(("ask_helper", {"message": "remind"})),
        calls(("create_reminder", {"text": "stretch", "in_seconds": 60})),
        fails(403, {"error": {"message": "no"}}),
        "It is planned, but the helper fell silent.",
    )
    said = await harness.say("remind me")

    assert len(said.receipts) == 1
    assert model.asked[3].messages[-1]["content"] == (
        "Error: ask_helper could not answer. Tell the user."
    )


async def test_three_levels_may_be_asked_and_the_fourth_may_not(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    """Also where two assistants ask each other in a circle."""
    await harness.configure(
        secretary(asks("ask_a", "A")),
        assistant("A", asks("ask_b", "B")),
        assistant("B", asks("ask_a", "A")),
        version=2,
    )
    ask_a, ask_b = calls(("ask_a", {"message": "x"})), calls(("ask_b", {"message": "x"}))
    model.expect(ask_a, ask_b, ask_a, ask_b, "three", "two", "one", "done")
    said = await harness.say("go")

    assert said.text == "done"
    assert "3 levels are the limit" in model.asked[4].messages[-1]["content"]
    assert model.asked[5].messages[-1]["content"] == "three"


async def test_all_of_them_share_the_turns_tool_calls(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        secretary(asks("ask_a", "A")), assistant("A", tool("get_time")), version=2
    )
    model.expect(
        calls(("ask_a", {"message": "x"})), calls(*[("get_time", {})] * 10), "inner", "outer"
    )
    await harness.say("go")

    inner = [m["content"] for m in model.asked[2].messages if m["role"] == "tool"]
    assert [content.startswith("Error: Not run") for content in inner] == [False] * 9 + [True]
    assert model.asked[3].body["tool_choice"] == "none"


async def test_another_attempt_does_not_ask_it_again(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(secretary(asks("ask_poet", "Poet")), assistant("Poet"), version=2)
    model.expect(calls(ASK), "Drip, drop.", "Never sent.", "Here.")
    delivery = await harness.deliver(harness.message("a verse?"))
    await harness.orchestrator.process_message(delivery)
    await harness.mailbox.delay(delivery, 0)
    while await harness.mailbox.promote() is not None:
        pass
    await harness.handle(await harness.receive())

    assert len(model.asked) == 4
    assert model.asked[3].messages[-1]["content"] == "Drip, drop."


async def test_what_it_changed_is_told_by_another_attempt_too(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        secretary(asks("ask_helper", "Helper")),
        assistant("Helper", tool("create_reminder")),
        version=2,
    )
    model.expect(
        calls(("ask_helper", {"message": "remind"})),
        calls(("create_reminder", {"text": "stretch", "in_seconds": 60})),
        "Planned.",
        "Never sent.",
        "All is planned.",
    )
    delivery = await harness.deliver(harness.message("remind me"))
    await harness.orchestrator.process_message(delivery)
    again = await harness.mailbox.begin(Entry(delivery.entry, delivery.conversation))
    assert again is not None
    said = harness.only_reply(await harness.handle(again))

    assert said.text == "All is planned."
    assert [receipt.step for receipt in said.receipts] == ["1.0.1.0"]


async def test_its_models_are_its_own_chain(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        secretary(asks("ask_poet", "Poet"), model="boss-model", fallback_models=("boss-other",)),
        assistant("Poet", model="poet-model", fallback_models=("poet-other",)),
        version=2,
    )
    refused = fails(403, {"error": {"message": "no"}})
    model.expect(calls(ASK), refused, "Drip, drop.", "Here: drip, drop.")
    await harness.say("a verse?")

    assert [one.body["model"] for one in model.asked] == [
        "boss-model",
        "poet-model",
        "poet-other",
        "boss-model",
    ]
    (record,) = await harness.turn_records()
    (step,) = [one for one in record.steps if one.step == "1.0.1"]
    assert (step.name, step.assistant_id) == ("poet-other", id_of("Poet"))
    assert [failure.model for failure in step.failures] == ["poet-model"]


async def test_its_limits_are_its_own(harness: AssistantHarness, model: ScriptedModel) -> None:
    await harness.configure(
        secretary(asks("ask_helper", "Helper"), tool("get_time"), temperature=0.5),
        assistant("Helper", tool("get_time"), max_tool_calls=1, temperature=0.1),
        version=2,
    )
    time = ("get_time", {})
    model.expect(
        calls(("ask_helper", {"message": "x"})), calls(time, time), "inner", calls(time), "outer"
    )
    said = await harness.say("go")

    assert said.text == "outer"
    inner = [one["content"] for one in model.asked[2].messages if one["role"] == "tool"]
    assert [content.startswith("Error: Not run") for content in inner] == [False, True]
    assert model.asked[2].body["tool_choice"] == "none"
    assert not model.asked[4].messages[-1]["content"].startswith("Error")
    assert [one.body["temperature"] for one in model.asked] == [0.5, 0.1, 0.1, 0.5, 0.5]
