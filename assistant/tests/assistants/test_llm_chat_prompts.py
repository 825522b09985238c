"""The model requests of a turn: a stable prefix, reasoning, and provider extras."""

import json
from itertools import pairwise

from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import ALICES_THREAD, id_for, make_secretary, make_tool
from smart_kit.contracts.keys import history_key
from smart_kit.contracts.threads import derive_first_thread_id
from smart_kit.redis import await_result
from smart_kit.testing.scripted_model import (
    ScriptedModel,
    make_response,
    make_text_response,
    make_tool_call_response,
)


class TestPrefix:
    async def test_each_request_begins_with_the_bytes_of_the_one_before(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        model.add_steps("Hello!", make_tool_call_response(("get_time", {})), "Noon.", "Bye.")
        for text in ("hi", "what time is it?", "bye"):
            await harness.say(text)

        for earlier, later in pairwise(model.requests):
            assert later.raw.startswith(earlier.raw.removesuffix(b"]}"))

    async def test_is_the_same_for_another_replica_and_another_person(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        model.add_steps("Hello!", "Hello!")
        await harness.say("hi")
        harness.orchestrator = harness.build_orchestrator()
        await harness.say("something else")

        first = model.requests[0].raw
        assert model.requests[1].raw.startswith(first[: first.index(b'{"role":"user"')])

    async def test_stays_for_several_turns_in_a_history_that_is_trimmed_with_each(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        for number in range(199):
            question = {"role": "user", "content": f"question {number}"}
            answered = {"role": "assistant", "content": f"answer {number}"}
            key = history_key(derive_first_thread_id(id_for("1001"), id_for("Secretary")))
            await await_result(harness.redis.rpush(key, json.dumps(question), json.dumps(answered)))
        model.add_steps(*["Yes."] * 10)
        for _ in range(10):
            await harness.say("and?")

        begins = [request.messages[1]["content"] for request in model.requests]
        assert len(set(begins)) <= 3
        assert await await_result(harness.redis.llen(key)) <= 120

    async def test_tools_are_sorted_by_name(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        await harness.configure(
            make_secretary(make_tool("get_time", "z"), make_tool("get_time", "a")), version=2
        )
        model.add_steps("Hello!")
        await harness.say("hi")

        offered = model.requests[0].body["tools"]
        assert [one["function"]["name"] for one in offered] == ["a", "z"]


async def test_long_reasoning_does_not_displace_the_conversation(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    reasoning = "x" * 33_000
    call = json.loads(make_tool_call_response(("get_time", {})).body)
    call["choices"][0]["message"]["reasoning_content"] = reasoning
    model.add_steps(
        "Nice to meet you.",
        make_response(call),
        make_text_response("Noon.", reasoning_content=reasoning),
        "Ann.",
    )
    for text in ("I am Ann", "what time is it?", "who am I?"):
        await harness.say(text)

    assert model.requests[2].messages[-2]["reasoning_content"] == reasoning
    last = model.requests[3]
    assert [one["role"] for one in last.messages] == [
        *("system", "user", "assistant", "user", "assistant", "tool", "assistant", "user")
    ]
    assert "xxx" not in last.raw.decode()
    stored = await await_result(harness.redis.lrange(history_key(ALICES_THREAD), 0, -1))
    assert sum(map(len, stored)) < 2_000
    assert [
        json.dumps(one, separators=(",", ":"))
        for one in (await harness.read_turn_records())[1].items
    ] == (stored[2:6]), "the archive and Redis tell the same"


async def test_provider_extras_are_sent_back_to_their_model(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    body = json.loads(make_tool_call_response(("get_time", {})).body)
    message = body["choices"][0]["message"]
    message |= {"reasoning_content": "", "refusal": None, "annotations": []}
    message["tool_calls"][0]["extra_content"] = {"google": {"thought_signature": "c2ln"}}
    model.add_steps(
        make_response(body), make_text_response("Noon.", reasoning_content="thought"), "Bye."
    )
    await harness.say("hi")
    await harness.say("bye")

    sent = model.requests[1].messages[-2]
    assert sent.keys() == {"role", "content", "reasoning_content", "tool_calls"}
    assert sent["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    assert model.requests[2].messages[-2]["reasoning_content"] == "thought"
