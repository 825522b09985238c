"""/undo, in order with the messages. (/new: test_orchestrator.py.)"""

import json
from datetime import timedelta
from typing import Literal

import pytest

from assistant.tests.desk import ALICES_THREAD, BOT, Desk, identified
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.keys import history_key
from smart_kit.contracts.queue import Notice, Reply
from smart_kit.errors import RetryMessage
from smart_kit.mailbox import Entry
from smart_kit.redis import answer
from smart_kit.testing.scripted_model import ScriptedModel, calls

UNDO = "/api/effects/undo"


async def remind(desk: Desk, model: ScriptedModel) -> None:
    model.expect(calls(("create_reminder", {"text": "stretch", "in_seconds": 60})), "I will.")
    await desk.say("remind me")


async def undo(desk: Desk) -> Notice:
    said = desk.only(await desk.handle(await desk.deliver(desk.command("undo"))))
    assert isinstance(said, Notice)
    return said


async def test_undo_takes_back_the_last_change_and_shows_its_receipt(
    desk: Desk, model: ScriptedModel
) -> None:
    await remind(desk, model)
    said = await undo(desk)

    assert (said.notice, said.id) == ("undone", f"reply:tg:{BOT}:2")
    (receipt,) = said.receipts
    assert receipt.kind == "reminder_cancelled"
    assert receipt.undoes is not None
    (request,) = desk.rest.asked("POST", UNDO)
    assert request.headers["Idempotency-Key"] == f"tg:{BOT}:2/0"
    assert request.headers["X-User-Id"] == str(identified("1001"))
    assert json.loads(request.content) == {"user_id": str(identified("1001"))}


async def test_where_nothing_is_left_to_undo_the_person_is_told(desk: Desk) -> None:
    said = await undo(desk)

    assert (said.notice, said.receipts) == ("nothing_to_undo", ())


async def test_what_cannot_be_undone_is_said_to_be_so(desk: Desk) -> None:
    desk.rest.refusal = (409, "It has been changed since.")

    assert (await undo(desk)).notice == "cannot_be_undone"


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_an_undo_that_is_not_answered_waits_and_is_asked_for_again_under_its_key(
    desk: Desk, model: ScriptedModel, status: int
) -> None:
    await remind(desk, model)
    desk.rest.refusal = (status, "busy")
    command = desk.command("undo").model_copy(update={"created_at": utc_now()})
    delivery = await desk.deliver(command)
    with pytest.raises(RetryMessage) as waiting:
        await desk.orchestrator.process_message(delivery)
    assert waiting.value.after == 5

    desk.rest.refusal = None
    assert desk.only(await desk.handle(delivery)).notice == "undone"
    assert {one.headers["Idempotency-Key"] for one in desk.rest.asked("POST", UNDO)} == {
        f"tg:{BOT}:2/0"
    }


@pytest.mark.parametrize("name", ["new", "undo"])
async def test_a_command_of_a_minute_ago_is_given_up_honestly_so_that_the_chat_goes_on(
    desk: Desk, model: ScriptedModel, name: Literal["new", "undo"]
) -> None:
    desk.rest.is_down = True
    long_ago = {"created_at": utc_now() - timedelta(seconds=61)}
    command = desk.command(name).model_copy(update=long_ago)
    said = desk.only(await desk.handle(await desk.deliver(command)))

    assert isinstance(said, Notice)
    assert said.notice == "try_again_later"
    model.expect("Still here.")
    answer = await desk.say("Hello?")
    assert isinstance(answer, Reply)
    assert answer.text == "Still here."


async def test_an_undo_whose_worker_died_takes_nothing_else_back(
    desk: Desk, model: ScriptedModel
) -> None:
    await remind(desk, model)
    await remind(desk, model)
    delivery = await desk.deliver(desk.command("undo"))
    first = desk.only(await desk.orchestrator.process_message(delivery))
    again = await desk.mailbox.begin(Entry(delivery.entry, delivery.conversation))
    assert again is not None
    second = desk.only(await desk.handle(again))

    assert second.receipts == first.receipts
    assert len(desk.rest.undoable) == 1


async def test_the_model_learns_of_what_was_undone(desk: Desk, model: ScriptedModel) -> None:
    await remind(desk, model)
    await undo(desk)
    model.expect("No more.")
    await desk.say("will you remind me?")

    texts = [message["content"] for message in model.asked[-1].messages]
    assert texts[-3:-1] == ["/undo", "(Taken back: reminder_cancelled.)"]
    assert (await desk.records())[1].items[0] == {"role": "user", "content": "/undo"}


async def test_an_undo_first_brings_back_a_history_that_redis_has_lost(
    desk: Desk, model: ScriptedModel
) -> None:
    await remind(desk, model)
    desk.rest.archive = [{"role": "user", "content": "long ago"}]
    await desk.redis.delete(history_key(ALICES_THREAD), f"{history_key(ALICES_THREAD)}:mark")
    await undo(desk)

    kept = await answer(desk.redis.lrange(history_key(ALICES_THREAD), 0, -1))
    assert [json.loads(item)["content"] for item in kept][:2] == ["long ago", "/undo"]


async def test_a_change_between_two_undos_keeps_its_place(desk: Desk, model: ScriptedModel) -> None:
    await remind(desk, model)
    await undo(desk)
    assert (await undo(desk)).notice == "nothing_to_undo"
    await remind(desk, model)
    assert (await undo(desk)).notice == "undone"
