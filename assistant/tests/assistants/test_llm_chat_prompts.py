"""What a turn sends to the model: a stable prefix, thoughts, and what a provider has added."""

import json
from itertools import pairwise

from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshots import ALICES_THREAD, id_of, secretary, tool
from smart_kit.contracts.keys import history_key
from smart_kit.contracts.threads import first_thread_id
from smart_kit.mailbox.mailbox import HISTORY_LIMIT
from smart_kit.redis import answer
from smart_kit.testing.scripted_model import ScriptedModel, calls, says, sends


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
