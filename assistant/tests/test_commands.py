"""/undo, in order with the messages. (/new: test_orchestrator.py.)"""

import json
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from time_machine import TimeMachineFixture

from assistant.src.commands import compute_retry_delay
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import ALICES_THREAD, BOT, id_for
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.keys import history_key
from smart_kit.contracts.queue import Notice, Reply
from smart_kit.errors import RetryMessage
from smart_kit.mailbox import StreamEntry
from smart_kit.redis import await_result
from smart_kit.testing.scripted_model import ScriptedModel, make_tool_call_response

UNDO_PATH = "/api/effects/undo"


async def remind(harness: AssistantHarness, model: ScriptedModel) -> None:
    model.add_steps(
        make_tool_call_response(("create_reminder", {"text": "stretch", "in_seconds": 60})),
        "I will.",
    )
    await harness.say("remind me")


async def undo(harness: AssistantHarness) -> Notice:
    reply = harness.parse_only_reply(
        await harness.handle(await harness.deliver(harness.make_command("undo")))
    )
    assert isinstance(reply, Notice)
    return reply


async def test_undo_takes_back_the_last_change_and_shows_its_receipt(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await remind(harness, model)
    reply = await undo(harness)

    assert (reply.notice, reply.id) == ("undone", f"reply:tg:{BOT}:2")
    (receipt,) = reply.receipts
    assert receipt.kind == "reminder_cancelled"
    assert receipt.undoes is not None
    (request,) = harness.rest.requests_to("POST", UNDO_PATH)
    assert request.headers["Idempotency-Key"] == f"tg:{BOT}:2/0"
    assert request.headers["X-User-Id"] == str(id_for("1001"))
    assert json.loads(request.content) == {"user_id": str(id_for("1001"))}


async def test_undo_without_a_change_sends_a_notice(harness: AssistantHarness) -> None:
    reply = await undo(harness)

    assert (reply.notice, reply.receipts) == ("nothing_to_undo", ())


async def test_undo_of_an_irreversible_change_sends_a_notice(harness: AssistantHarness) -> None:
    harness.rest.refusal = (409, "It has been changed since.")

    assert (await undo(harness)).notice == "cannot_be_undone"


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_unanswered_undo_is_retried_with_the_same_key(
    harness: AssistantHarness, model: ScriptedModel, status: int
) -> None:
    await remind(harness, model)
    harness.rest.refusal = (status, "busy")
    command = harness.make_command("undo").model_copy(update={"created_at": utc_now()})
    delivery = await harness.deliver(command)
    with pytest.raises(RetryMessage) as waiting:
        await harness.orchestrator.process_message(delivery)
    assert 0.25 <= waiting.value.after < 5

    harness.rest.refusal = None
    assert harness.parse_only_reply(await harness.handle(delivery)).notice == "undone"
    assert {
        one.headers["Idempotency-Key"] for one in harness.rest.requests_to("POST", UNDO_PATH)
    } == {f"tg:{BOT}:2/0"}


@pytest.mark.parametrize(("age", "delay"), [(0, 0.25), (8, 2.0), (19.9, 5.0), (3600, 5.0)])
def test_delay_grows_with_the_age_of_the_message(
    harness: AssistantHarness, age: float, delay: float, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(datetime(2026, 11, 2, tzinfo=UTC), tick=False)
    command = harness.make_command("undo").model_copy(
        update={"created_at": utc_now() - timedelta(seconds=age)}
    )

    assert compute_retry_delay(command) == pytest.approx(delay, abs=0.03)


@pytest.mark.parametrize("name", ["new", "undo"])
async def test_command_is_abandoned_after_a_minute(
    harness: AssistantHarness, model: ScriptedModel, name: Literal["new", "undo"]
) -> None:
    harness.rest.is_down = True
    long_ago = {"created_at": utc_now() - timedelta(seconds=61)}
    command = harness.make_command(name).model_copy(update=long_ago)
    reply = harness.parse_only_reply(await harness.handle(await harness.deliver(command)))

    assert isinstance(reply, Notice)
    assert reply.notice == "try_again_later"
    model.add_steps("Still here.")
    answer = await harness.say("Hello?")
    assert isinstance(answer, Reply)
    assert answer.text == "Still here."


async def test_an_undo_whose_worker_died_takes_nothing_else_back(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await remind(harness, model)
    await remind(harness, model)
    delivery = await harness.deliver(harness.make_command("undo"))
    first = harness.parse_only_reply(await harness.orchestrator.process_message(delivery))
    again = await harness.mailbox.begin(StreamEntry(delivery.entry_id, delivery.conversation))
    assert again is not None
    second = harness.parse_only_reply(await harness.handle(again))

    assert second.receipts == first.receipts
    assert len(harness.rest.undoable_effects) == 1


async def test_history_records_an_undo(harness: AssistantHarness, model: ScriptedModel) -> None:
    await remind(harness, model)
    await undo(harness)
    model.add_steps("No more.")
    await harness.say("will you remind me?")

    texts = [message["content"] for message in model.requests[-1].messages]
    assert texts[-3:-1] == ["/undo", "(Undone: reminder_cancelled.)"]
    record = (await harness.read_turn_records())[1]
    assert record.items[0] == {"role": "user", "content": "/undo"}
    assert (record.assistant_id, record.thread_id) == (id_for("Secretary"), ALICES_THREAD)
    assert (record.message_id, record.configuration_version) == (f"tg:{BOT}:2", 1)


async def test_undo_restores_a_lost_history_first(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await remind(harness, model)
    harness.rest.archive = [{"role": "user", "content": "long ago"}]
    await harness.redis.delete(history_key(ALICES_THREAD), f"{history_key(ALICES_THREAD)}:mark")
    await undo(harness)

    stored = await await_result(harness.redis.lrange(history_key(ALICES_THREAD), 0, -1))
    assert [json.loads(item)["content"] for item in stored][:2] == ["long ago", "/undo"]


async def test_a_change_between_two_undos_keeps_its_place(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await remind(harness, model)
    await undo(harness)
    assert (await undo(harness)).notice == "nothing_to_undo"
    await remind(harness, model)
    assert (await undo(harness)).notice == "undone"
