"""Done, +10 min, +1 h and Tomorrow under a delivered reminder."""

import json
from typing import Any
from uuid import uuid4

import pytest

from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram
from tg_bot.src.handlers.reminder_buttons import ANSWERED, GONE, SNOOZES
from tg_bot.src.services.update_processor import UpdateProcessor
from tg_bot.src.texts.notifications import BUTTON_ROWS
from tg_bot.tests import updates
from tg_bot.tests.fake_records import DUE, SNOOZED_UNTIL
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.handlers.answers import read_answer, read_answers, read_text
from tg_bot.tests.queue_contents import read_telegram_queue


def press(data: str, text: str | None = "⏰ call Anna\n\n(was due 09:00)") -> dict[str, Any]:
    """Return a press under a reminder; without a text as Telegram sends it for an old message."""
    message = {"message_id": 5, "date": 1, "chat": {"id": 7, "type": "private"}}
    return updates.callback_query(data, message=message | ({"text": text} if text else {}))


async def test_done_acknowledges_the_run_and_marks_the_message(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, telegram: FakeTelegram
) -> None:
    user = await rest.add_user(7)
    run = rest.records.add_run()
    update = press(f"done:{run.id}")
    await update_processor.process_batch([update])

    assert rest.records.runs[run.id].acknowledged_at == DUE
    (call,) = rest.calls
    assert call.headers["Idempotency-Key"] == f"tg:424242:{update['update_id']}/0"
    assert call.headers["X-User-Id"] == str(user.id)
    (edit,) = telegram.calls_to("editMessageText")
    assert edit.parameters == {
        "chat_id": 7,
        "message_id": 5,
        "text": "✅ call Anna\n\n(was due 09:00)",
        "link_preview_options": {"is_disabled": True},
    }
    assert telegram.calls[0].method == "answerCallbackQuery"
    assert await read_telegram_queue(redis) == []


@pytest.mark.parametrize("text", [None, "the last part of a long reminder"])
async def test_done_without_the_beginning_of_the_text_is_confirmed_by_a_message(
    update_processor: UpdateProcessor,
    redis: Redis,
    rest: FakeRestService,
    telegram: FakeTelegram,
    text: str | None,
) -> None:
    run = rest.records.add_run()
    await update_processor.process_batch([press(f"done:{run.id}", text)])
    (edit,) = telegram.calls_to("editMessageReplyMarkup")
    assert edit.parameters == {"chat_id": 7, "message_id": 5}
    assert await read_text(redis) == "Done."


async def test_done_that_cannot_be_shown_is_confirmed_by_a_message(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    run = rest.records.add_run()
    chat = {"chat": {"id": 7, "type": "private"}}
    update = updates.callback_query(f"done:{run.id}", message=chat)
    await update_processor.process_batch([update])
    assert await read_text(redis) == "Done."


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("snooze_10m", {"minutes": 10}),
        ("snooze_1h", {"minutes": 60}),
        ("snooze_1d", {"tomorrow": True}),
    ],
)
async def test_snooze_creates_a_reminder_and_sends_its_receipt(
    update_processor: UpdateProcessor,
    redis: Redis,
    rest: FakeRestService,
    telegram: FakeTelegram,
    kind: str,
    body: dict[str, Any],
) -> None:
    await rest.add_user(7)
    run = rest.records.add_run()
    update = press(f"{kind}:{run.id}")
    await update_processor.process_batch([update])

    (call,) = rest.calls
    assert json.loads(call.content) == body
    assert call.headers["Idempotency-Key"] == f"tg:424242:{update['update_id']}/0"
    (effect,) = (await read_answer(redis)).receipts
    assert effect.kind == "reminder_created"
    assert effect.after is not None
    assert effect.after["at"] == SNOOZED_UNTIL.isoformat().replace("+00:00", "Z")
    (edit,) = telegram.calls_to("editMessageReplyMarkup")
    assert edit.parameters == {"chat_id": 7, "message_id": 5}


@pytest.mark.parametrize(
    ("first", "second"),
    [("snooze_10m", "snooze_1h"), ("done", "snooze_1d"), ("snooze_10m", "done")],
)
async def test_second_answer_changes_nothing_and_says_so(
    update_processor: UpdateProcessor,
    redis: Redis,
    rest: FakeRestService,
    telegram: FakeTelegram,
    first: str,
    second: str,
) -> None:
    await rest.add_user(7)
    run = rest.records.add_run()
    await update_processor.process_batch([press(f"{first}:{run.id}")])
    after_first = (dict(rest.records.runs), dict(rest.records.jobs))
    await update_processor.process_batch([press(f"{second}:{run.id}")])

    assert (await read_answers(redis))[-1].parameters["text"] == ANSWERED
    assert (rest.records.runs, rest.records.jobs) == after_first
    assert telegram.calls[-1].method == "editMessageReplyMarkup"


async def test_repeated_update_snoozes_once(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add_user(7)
    batch = [press(f"snooze_10m:{rest.records.add_run().id}")]
    for _ in range(2):
        await update_processor.process_batch(batch)
    assert len(rest.records.jobs) == len(rest.records.effects) == 1
    assert len((await read_answer(redis)).receipts) == 1


@pytest.mark.parametrize("kind", ["done", "snooze_10m"])
async def test_press_on_a_run_that_is_gone_says_so(
    update_processor: UpdateProcessor, redis: Redis, kind: str
) -> None:
    await update_processor.process_batch([press(f"{kind}:{uuid4()}")])
    assert await read_text(redis) == GONE


async def test_rest_failure_keeps_the_buttons(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, telegram: FakeTelegram
) -> None:
    run = rest.records.add_run()
    rest.failure_status = 503
    await update_processor.process_batch([press(f"done:{run.id}")])
    assert (await read_answer(redis)).notice == "try_again_later"
    assert {call.method for call in telegram.calls} == {"answerCallbackQuery"}


def test_every_snooze_has_a_button() -> None:
    kinds = {kind for row in BUTTON_ROWS for kind in row}
    assert kinds == {"done", *SNOOZES}
