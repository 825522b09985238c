"""The loop between a model and its tools."""

import asyncio
import json
import threading
from dataclasses import replace
from itertools import pairwise

import pytest

from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshots import ALICES_THREAD, assistant, id_of, secretary, tool
from smart_kit.contracts.keys import history_key, journal_key
from smart_kit.contracts.queue import Notice, Reply
from smart_kit.contracts.threads import first_thread_id
from smart_kit.mailbox import Delivery, Entry, Superseded
from smart_kit.mailbox.mailbox import HISTORY_LIMIT
from smart_kit.redis import answer
from smart_kit.testing.ports import free_port
from smart_kit.testing.scripted_model import Asked, ScriptedModel, calls, fails, held, says, sends

REMIND = ("create_reminder", {"text": "stretch", "in_seconds": 60})


def results(asked: Asked) -> list[str]:
    """What the tools answered."""
    return [message["content"] for message in asked.messages if message["role"] == "tool"]


async def taken_again(harness: AssistantHarness, delivery: Delivery) -> Delivery:
    """What another worker gets once the lease of the first has ended."""
    again = await harness.mailbox.begin(Entry(delivery.entry, delivery.conversation))
    assert again is not None
    return again


async def test_a_tool_is_run_and_its_result_goes_to_the_model(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.expect(calls(("get_time", {"place": "Tokyo"})), "It is evening in Tokyo.")
    said = await harness.say("What time is it in Tokyo?")

    assert said.text == "It is evening in Tokyo."
    *_, call, result = model.asked[1].messages
    assert call["tool_calls"][0]["function"] == {
        "name": "get_time",
        "arguments": '{"place":"Tokyo"}',
    }
    assert result["tool_call_id"] == call["tool_calls"][0]["id"]
    assert "Asia/Tokyo" in result["content"]


async def test_the_archive_gets_every_step(harness: AssistantHarness, model: ScriptedModel) -> None:
    model.expect(calls(("get_time", {}), REMIND), "Done.")
    await harness.say("hi")

    (record,) = await harness.turn_records()
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


async def test_what_a_tool_changed_comes_with_the_answer(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.expect(calls(REMIND), "I will.")
    said = await harness.say("remind me")

    assert isinstance(said, Reply)
    assert [(one.kind, one.step) for one in said.receipts] == [("reminder_created", "1.0")]


async def test_calls_that_only_read_run_together_and_answer_in_their_order(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        secretary(
            tool("ask_assistant", "ask_poet", asks="Poet"),
            tool("ask_assistant", "ask_cook", asks="Cook"),
        ),
        assistant("Poet"),
        assistant("Cook"),
        version=2,
    )
    both = threading.Barrier(2, timeout=60)

    def answer(asked: Asked) -> str:
        both.wait()
        return f"I am {asked.messages[0]['content']}"

    question = {"message": "who are you?"}
    model.expect(calls(("ask_poet", question), ("ask_cook", question)), answer, answer, "Both.")
    await harness.say("ask them")

    assert results(model.asked[3]) == ["I am You are Poet.", "I am You are Cook."]


async def test_calls_that_may_write_run_one_after_the_other(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        secretary(
            tool("ask_assistant", "ask_poet", asks="Poet"),
            tool("ask_assistant", "ask_cook", asks="Cook"),
        ),
        assistant("Poet", tool("create_reminder")),
        assistant("Cook", tool("create_reminder")),
        version=2,
    )
    both = threading.Barrier(2)

    def answer(_: Asked) -> str:
        try:
            both.wait(2)
        except threading.BrokenBarrierError:
            return "alone"
        return "together"

    question = {"message": "who are you?"}
    model.expect(calls(("ask_poet", question), ("ask_cook", question)), answer, answer, "Both.")
    await harness.say("ask them")

    assert results(model.asked[3]) == ["alone", "alone"]


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("get_weather", {}, "There is no tool 'get_weather'. The tools are: create_reminder, get_"),
        ("get_time", '{"place": ', "The arguments are not JSON"),
        ("get_time", "[1]", "must be one JSON object"),
        ("get_time", {"place": 5}, "place: 5 is not of type 'string'"),
        ("get_time", {"city": "Tokyo"}, "'city' was unexpected"),
        ("create_reminder", {"in_seconds": 5}, "'text' is a required property"),
        ("create_reminder", {"text": "x", "in_seconds": 0}, "0 is less than the minimum of 1"),
        ("create_reminder", {"text": "x"}, "give exactly one of at, in_seconds and cron"),
        ("create_reminder", {"text": "x", "at": "tomorrow"}, "at: Input should be a valid date"),
        ("create_reminder", {"text": "a\0b", "in_seconds": 5}, "NUL"),
        ("get_time", {"place": "Atlantis"}, "'Atlantis' is not a place that I know"),
    ],
)
async def test_wrong_arguments_are_explained_and_can_be_corrected(
    harness: AssistantHarness, model: ScriptedModel, name: str, arguments: dict | str, told: str
) -> None:
    model.expect(calls((name, arguments)), calls(("get_time", {})), "There.")

    assert (await harness.say("hi")).text == "There."
    (result,) = results(model.asked[1])
    assert result.startswith("Error: ")
    assert told in result
    assert "Error" not in results(model.asked[2])[1]
    assert harness.rest.requests == []


async def test_broken_arguments_are_replayed_as_json_that_every_server_can_read(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.expect(calls(("get_time", '{"place": ')), "There.")
    await harness.say("hi")

    assert model.asked[1].messages[-2]["tool_calls"][0]["function"]["arguments"] == "{}"


async def test_optional_arguments_may_be_null(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    given = {"text": "stretch", "in_seconds": 60, "at": None, "cron": None}
    model.expect(calls(("create_reminder", given)), "Done.")
    said = await harness.say("remind me")

    assert len(said.receipts) == 1


async def test_a_call_that_was_cut_off_is_not_run(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    body = json.loads(calls(REMIND).body)
    body["choices"][0]["finish_reason"] = "length"
    model.expect(sends(body), "Sorry.")
    await harness.say("remind me")

    assert harness.rest.requests == []
    assert "cut off" in results(model.asked[1])[0]


async def test_a_broken_tool_does_not_cost_the_answer(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.services = replace(harness.services, clock=None)  # type: ignore[arg-type] # any bug will do
    model.expect(calls(("get_time", {})), "I cannot tell.")

    assert (await harness.say("what time is it?")).text == "I cannot tell."
    assert results(model.asked[1]) == ["Error: The tool is broken. Tell the user."]


async def test_after_ten_calls_the_model_has_to_answer(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    six = calls(*[("get_time", {})] * 6)
    model.expect(six, six, "Enough.")
    said = await harness.say("hi")

    assert said.text == "Enough."
    last = results(model.asked[2])
    assert [result.startswith("Error: Not run") for result in last] == [False] * 10 + [True] * 2
    assert model.asked[2].body["tool_choice"] == "none"
    assert "tool_choice" not in model.asked[1].body


async def test_a_model_that_never_stops_calling_ends_in_a_notice(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    ten = calls(*[("get_time", {})] * 10)
    model.expect(ten, ten)
    said = await harness.say("hi")

    assert isinstance(said, Notice)
    assert said.notice == "turn_failed"


async def test_calls_of_a_last_answer_are_left_out_of_the_history(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.expect(
        calls(*[("get_time", {})] * 10), calls(("get_time", {}), text="So be it."), "Next."
    )
    assert (await harness.say("hi")).text == "So be it."
    await harness.say("and now?")

    assert model.asked[2].messages[-2] == {"role": "assistant", "content": "So be it."}


class TestAnotherAttempt:
    async def test_runs_no_tool_again_and_asks_the_model_only_what_is_missing(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        model.expect(calls(REMIND), "Never sent.", "I will.")
        delivery = await harness.deliver(harness.message("remind me"))
        await harness.orchestrator.process_message(delivery)  # its worker dies before the end

        harness.orchestrator = harness.build_orchestrator()
        said = harness.only_reply(await harness.handle(await taken_again(harness, delivery)))

        assert said.text == "I will."
        assert len(harness.rest.requests) == 1
        assert len(said.receipts) == 1
        assert len(model.asked) == 3
        assert model.asked[2].raw == model.asked[1].raw
        (record,) = await harness.turn_records()
        assert [step.step for step in record.steps] == ["1", "1.0", "2"]
        assert await harness.redis.exists(journal_key(record.message_id)) == 0

    async def test_runs_only_the_tool_that_had_not_ended(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        other = ("create_reminder", {"text": "drink", "in_seconds": 90})
        model.expect(calls(REMIND, other), "Never sent.", "Both.")
        delivery = await harness.deliver(harness.message("remind me"))
        await harness.orchestrator.process_message(delivery)
        await harness.redis.hdel(journal_key("tg:77:1"), "1.1")
        said = harness.only_reply(await harness.handle(await taken_again(harness, delivery)))

        keys = [request.headers["Idempotency-Key"] for request in harness.rest.requests]
        assert keys == ["tg:77:1/1.0", "tg:77:1/1.1", "tg:77:1/1.1"]
        assert harness.rest.requests[1].content == harness.rest.requests[2].content
        assert len(said.receipts) == 2

    async def test_knows_what_was_done_before_the_message_was_handed_over(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        """A stop gives messages back without counting the attempt."""
        model.expect(calls(REMIND), "Never sent.", "I will.")
        delivery = await harness.deliver(harness.message("remind me"))
        await harness.orchestrator.process_message(delivery)
        await harness.mailbox.delay(delivery, 0)
        while await harness.mailbox.promote() is not None:
            pass
        again = await harness.receive()
        assert again.attempt == 1
        await harness.handle(again)

        assert len(harness.rest.requests) == 1

    async def test_sends_the_receipts_of_the_first_where_it_fails_itself(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        model.expect(calls(REMIND), "Never sent.", fails(401, {"error": {"message": "no"}}))
        delivery = await harness.deliver(harness.message("remind me"))
        await harness.orchestrator.process_message(delivery)
        said = harness.only_reply(await harness.handle(await taken_again(harness, delivery)))

        assert isinstance(said, Notice)
        assert len(said.receipts) == 1

    @pytest.mark.parametrize("most", [0, 1])
    async def test_follows_through_what_was_begun_though_fewer_calls_are_allowed_by_now(
        self, harness: AssistantHarness, model: ScriptedModel, most: int
    ) -> None:
        other = ("create_reminder", {"text": "drink", "in_seconds": 90})
        model.expect(calls(REMIND, other), "Never sent.", "Both.")
        delivery = await harness.deliver(harness.message("remind me"))
        await harness.orchestrator.process_message(delivery)
        tools = (tool("get_time"), tool("create_reminder"))
        await harness.configure(secretary(*tools, max_tool_calls=most), version=2)
        said = harness.only_reply(await harness.handle(await taken_again(harness, delivery)))

        assert said.text == "Both."
        assert [receipt.step for receipt in said.receipts] == ["1.0", "1.1"]
        assert len(harness.rest.requests) == 2
        assert len(model.asked) == 3
        assert [result[:6] for result in results(model.asked[2])] != ["Error:"] * 2

    async def test_leaves_out_the_calls_that_were_too_many_though_more_are_allowed_by_now(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        tools = (tool("get_time"), tool("create_reminder"))
        await harness.configure(secretary(*tools, max_tool_calls=1), version=2)
        model.expect(calls(REMIND, REMIND), "Never sent.", "One.")
        delivery = await harness.deliver(harness.message("remind me"))
        await harness.orchestrator.process_message(delivery)
        await harness.redis.hdel(journal_key("tg:77:1"), "1.0", "1.1")
        await harness.configure(secretary(*tools, max_tool_calls=5), version=3)
        said = harness.only_reply(await harness.handle(await taken_again(harness, delivery)))

        assert len(said.receipts) == 1
        assert results(model.asked[2])[1].startswith("Error: Not run")


async def test_a_running_turn_keeps_its_connection_though_another_server_is_configured(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    until = threading.Event()
    model.expect(held(until, calls(("get_time", {}))), "Noon.")
    running = asyncio.create_task(harness.say("what time is it?"))
    while not model.asked:
        await asyncio.sleep(0.01)
    client = harness.model_connection()
    harness.provider = harness.provider.model_copy(
        update={"base_url": f"http://127.0.0.1:{free_port()}/v1"}
    )
    await harness.configure(secretary(tool("get_time")), version=2)
    bob = harness.command("undo").model_copy(update={"conversation": "tg:77:2", "chat_id": 2})
    await harness.handle(await harness.deliver(bob))
    is_open = not client.is_closed()
    until.set()

    assert (await running).text == "Noon."
    assert is_open
    assert len(model.asked) == 2


async def test_a_turn_without_tools_writes_no_journal(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.expect("Hello!")
    delivery = await harness.deliver(harness.message("hi"))
    await harness.orchestrator.process_message(delivery)

    assert await harness.mailbox.steps("tg:77:1") == {}


async def test_a_worker_that_lost_its_message_runs_no_tool(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.expect(calls(REMIND))
    delivery = await harness.deliver(harness.message("remind me"))
    await taken_again(harness, delivery)

    with pytest.raises(Superseded):
        await harness.orchestrator.process_message(delivery)
    assert harness.rest.requests == []
    assert len(model.asked) == 1


class TestPrefix:
    async def test_each_request_begins_with_the_bytes_of_the_one_before(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        model.expect("Hello!", calls(("get_time", {})), "Noon.", "Bye.")
        for text in ("hi", "what time is it?", "bye"):
            await harness.say(text)

        for earlier, later in pairwise(model.asked):
            assert later.raw.startswith(earlier.raw.removesuffix(b"]}"))

    async def test_is_the_same_for_another_replica_and_another_person(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        model.expect("Hello!", "Hello!")
        await harness.say("hi")
        harness.orchestrator = harness.build_orchestrator()
        await harness.say("something else")

        first = model.asked[0].raw
        assert model.asked[1].raw.startswith(first[: first.index(b'{"role":"user"')])

    async def test_stays_for_several_turns_in_a_history_that_is_trimmed_with_each(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        for number in range(199):
            question = {"role": "user", "content": f"question {number}"}
            answered = {"role": "assistant", "content": f"answer {number}"}
            key = history_key(first_thread_id(id_of("1001"), id_of("Secretary")))
            await answer(harness.redis.rpush(key, json.dumps(question), json.dumps(answered)))
        model.expect(*["Yes."] * 10)
        for _ in range(10):
            await harness.say("and?")

        begins = [asked.messages[1]["content"] for asked in model.asked]
        assert len(set(begins)) <= 3
        assert await answer(harness.redis.llen(key)) <= HISTORY_LIMIT

    async def test_tools_are_sorted_by_name(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        await harness.configure(secretary(tool("get_time", "z"), tool("get_time", "a")), version=2)
        model.expect("Hello!")
        await harness.say("hi")

        offered = model.asked[0].body["tools"]
        assert [one["function"]["name"] for one in offered] == ["a", "z"]


async def test_a_long_thought_goes_back_within_its_turn_and_takes_nothing_from_the_conversation(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    thought = "x" * 33_000
    call = json.loads(calls(("get_time", {})).body)
    call["choices"][0]["message"]["reasoning_content"] = thought
    model.expect("Nice to meet you.", sends(call), says("Noon.", reasoning_content=thought), "Ann.")
    for text in ("I am Ann", "what time is it?", "who am I?"):
        await harness.say(text)

    assert model.asked[2].messages[-2]["reasoning_content"] == thought
    last = model.asked[3]
    assert [one["role"] for one in last.messages] == [
        *("system", "user", "assistant", "user", "assistant", "tool", "assistant", "user")
    ]
    assert "xxx" not in last.raw.decode()
    kept = await answer(harness.redis.lrange(history_key(ALICES_THREAD), 0, -1))
    assert sum(map(len, kept)) < 2_000
    assert [
        json.dumps(one, separators=(",", ":")) for one in (await harness.turn_records())[1].items
    ] == (kept[2:6]), "the archive and Redis tell the same"


async def test_what_a_provider_added_to_its_message_goes_back_to_it(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    body = json.loads(calls(("get_time", {})).body)
    message = body["choices"][0]["message"]
    message |= {"reasoning_content": "", "refusal": None, "annotations": []}
    message["tool_calls"][0]["extra_content"] = {"google": {"thought_signature": "c2ln"}}
    model.expect(sends(body), says("Noon.", reasoning_content="thought"), "Bye.")
    await harness.say("hi")
    await harness.say("bye")

    sent = model.asked[1].messages[-2]
    assert sent.keys() == {"role", "content", "reasoning_content", "tool_calls"}
    assert sent["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    assert model.asked[2].messages[-2]["reasoning_content"] == "thought"
