"""A turn that another worker takes over: no finished tool call is repeated."""

import pytest

from assistant.tests.assistants.llm_chat_helpers import REMIND, get_tool_results, take_over
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import make_secretary, make_tool
from smart_kit.contracts.keys import journal_key
from smart_kit.contracts.queue import Notice
from smart_kit.mailbox import LeaseLost
from smart_kit.testing.scripted_model import (
    ScriptedModel,
    make_error_response,
    make_tool_call_response,
)


class TestAnotherAttempt:
    async def test_later_attempt_repeats_no_finished_step(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        model.add_steps(make_tool_call_response(REMIND), "Never sent.", "I will.")
        delivery = await harness.deliver(harness.make_message("remind me"))
        await harness.orchestrator.process_message(delivery)  # its worker dies before the end

        harness.orchestrator = harness.build_orchestrator()
        reply = harness.parse_only_reply(await harness.handle(await take_over(harness, delivery)))

        assert reply.text == "I will."
        assert len(harness.rest.requests) == 1
        assert len(reply.receipts) == 1
        assert len(model.requests) == 3
        assert model.requests[2].raw == model.requests[1].raw
        (record,) = await harness.read_turn_records()
        assert [step.step for step in record.steps] == ["1", "1.0", "2"]
        assert await harness.redis.exists(journal_key(record.message_id)) == 0

    async def test_runs_only_the_tool_that_had_not_ended(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        other = ("create_reminder", {"text": "drink", "in_seconds": 90})
        model.add_steps(make_tool_call_response(REMIND, other), "Never sent.", "Both.")
        delivery = await harness.deliver(harness.make_message("remind me"))
        await harness.orchestrator.process_message(delivery)
        await harness.redis.hdel(journal_key("tg:77:1"), "1.1")
        reply = harness.parse_only_reply(await harness.handle(await take_over(harness, delivery)))

        keys = [request.headers["Idempotency-Key"] for request in harness.rest.requests]
        assert keys == ["tg:77:1/1.0", "tg:77:1/1.1", "tg:77:1/1.1"]
        assert harness.rest.requests[1].content == harness.rest.requests[2].content
        assert len(reply.receipts) == 2

    async def test_later_attempt_has_the_receipts_of_the_first(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        """A graceful stop gives messages back without counting the attempt."""
        model.add_steps(make_tool_call_response(REMIND), "Never sent.", "I will.")
        delivery = await harness.deliver(harness.make_message("remind me"))
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
        model.add_steps(
            make_tool_call_response(REMIND),
            "Never sent.",
            make_error_response(401, {"error": {"message": "no"}}),
        )
        delivery = await harness.deliver(harness.make_message("remind me"))
        await harness.orchestrator.process_message(delivery)
        reply = harness.parse_only_reply(await harness.handle(await take_over(harness, delivery)))

        assert isinstance(reply, Notice)
        assert len(reply.receipts) == 1

    @pytest.mark.parametrize("most", [0, 1])
    async def test_later_attempt_finishes_journaled_calls_despite_a_lower_limit(
        self, harness: AssistantHarness, model: ScriptedModel, most: int
    ) -> None:
        other = ("create_reminder", {"text": "drink", "in_seconds": 90})
        model.add_steps(make_tool_call_response(REMIND, other), "Never sent.", "Both.")
        delivery = await harness.deliver(harness.make_message("remind me"))
        await harness.orchestrator.process_message(delivery)
        tools = (make_tool("get_time"), make_tool("create_reminder"))
        await harness.configure(make_secretary(*tools, max_tool_calls=most), version=2)
        reply = harness.parse_only_reply(await harness.handle(await take_over(harness, delivery)))

        assert reply.text == "Both."
        assert [receipt.step for receipt in reply.receipts] == ["1.0", "1.1"]
        assert len(harness.rest.requests) == 2
        assert len(model.requests) == 3
        assert [result[:6] for result in get_tool_results(model.requests[2])] != ["Error:"] * 2

    async def test_later_attempt_skips_rejected_calls_despite_a_higher_limit(
        self, harness: AssistantHarness, model: ScriptedModel
    ) -> None:
        tools = (make_tool("get_time"), make_tool("create_reminder"))
        await harness.configure(make_secretary(*tools, max_tool_calls=1), version=2)
        model.add_steps(make_tool_call_response(REMIND, REMIND), "Never sent.", "One.")
        delivery = await harness.deliver(harness.make_message("remind me"))
        await harness.orchestrator.process_message(delivery)
        await harness.redis.hdel(journal_key("tg:77:1"), "1.0", "1.1")
        await harness.configure(make_secretary(*tools, max_tool_calls=5), version=3)
        reply = harness.parse_only_reply(await harness.handle(await take_over(harness, delivery)))

        assert len(reply.receipts) == 1
        assert get_tool_results(model.requests[2])[1].startswith("Error: Not run")


async def test_a_worker_that_lost_its_message_runs_no_tool(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps(make_tool_call_response(REMIND))
    delivery = await harness.deliver(harness.make_message("remind me"))
    await take_over(harness, delivery)

    with pytest.raises(LeaseLost):
        await harness.orchestrator.process_message(delivery)
    assert harness.rest.requests == []
    assert len(model.requests) == 1
