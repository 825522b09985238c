"""Reminders and a user who moves to another time zone."""

from typing import Any

import pytest

from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram
from tg_bot.src.services.update_processor import UpdateProcessor
from tg_bot.tests import updates
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.handlers.answers import list_buttons, read_answer, read_text

DAILY = {"cron_expression": "0 9 * * *", "at": None, "local_at": None}
MOVED = DAILY | {"timezone": "Europe/Lisbon"}
HOURLY = {"rrule": "FREQ=HOURLY", "timezone": "Europe/Berlin"}
RULE = {"rrule": "FREQ=WEEKLY;INTERVAL=2", "timezone": "Europe/Lisbon"}


async def test_one_offs_of_the_old_zone_are_asked_about(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    user = await rest.add_user(7, timezone="Europe/Berlin")
    rest.records.add_job(user.id)
    rest.records.add_job(user.id, "buy milk")
    await update_processor.process_batch([updates.message("/timezone Lisbon")])

    answer = await read_answer(redis)
    assert answer.parameters["text"] == (
        "You have 2 reminders at local times of Europe/Berlin, for example: "
        "Fri 27 Nov 09:00 Europe/Berlin — call Anna\n\n"
        "Should they come at the same local times in Europe/Lisbon?"
    )
    assert list_buttons(answer) == [
        ("Yes, at the same local times", "move_jobs:Europe/Lisbon"),
        ("No, leave them as they are", "keep_jobs:Europe/Lisbon"),
    ]
    assert len(answer.receipts) == 1


@pytest.mark.parametrize(
    ("count", "language", "text"),
    [
        (1, "en", "You have a reminder at a local time of Europe/Berlin: Fri"),
        (1, "ru", "У вас есть напоминание по местному времени Europe/Berlin: пт"),
        (21, "ru", "У вас 21 напоминание по местному времени Europe/Berlin, например: пт"),
    ],
)
async def test_question_is_in_the_right_number(
    update_processor: UpdateProcessor,
    redis: Redis,
    rest: FakeRestService,
    count: int,
    language: str,
    text: str,
) -> None:
    user = await rest.add_user(7, timezone="Europe/Berlin", language=language)
    for _ in range(count):
        rest.records.add_job(user.id)
    await update_processor.process_batch([updates.message("/timezone Lisbon")])
    assert (await read_answer(redis)).parameters["text"].startswith(text)


async def test_yes_of_an_earlier_zone_changes_nothing(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, telegram: FakeTelegram
) -> None:
    user = await rest.add_user(7, timezone="Asia/Tokyo")
    rest.records.add_job(user.id)
    await update_processor.process_batch([updates.callback_query("move_jobs:Europe/Lisbon")])

    text = "You have changed your time zone since then. Nothing has changed."
    assert await read_text(redis) == text
    assert rest.calls == []
    assert len(telegram.calls_to("editMessageReplyMarkup")) == 1


@pytest.mark.parametrize(
    ("jobs", "text"),
    [
        ([], ""),
        ([{"local_at": None}], ""),
        ([{"timezone": "Europe/Lisbon"}], ""),
        ([DAILY], ""),
        ([HOURLY], ""),
        ([MOVED], "1 recurring reminder keeps its local time, now in Europe/Lisbon."),
        ([MOVED, RULE], "2 recurring reminders keep their local times, now in Europe/Lisbon."),
    ],
    ids=["none", "instant", "same zone", "other zone", "elapsed hours", "cron", "rule"],
)
async def test_other_reminders_need_no_question(
    update_processor: UpdateProcessor,
    redis: Redis,
    rest: FakeRestService,
    jobs: list[dict[str, Any]],
    text: str,
) -> None:
    user = await rest.add_user(7, timezone="Europe/Berlin")
    for facts in jobs:
        rest.records.add_job(user.id, **facts)
    await update_processor.process_batch([updates.message("/timezone Lisbon")])

    answer = await read_answer(redis)
    assert (answer.parameters["text"], answer.buttons) == (text, ())


async def test_receipt_is_sent_if_the_reminders_cannot_be_read(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add_user(7, timezone="Europe/Berlin")
    rest.failing_paths.add("/cron-jobs")
    await update_processor.process_batch([updates.message("/timezone Lisbon")])
    answer = await read_answer(redis)
    assert (len(answer.receipts), answer.parameters["text"]) == (1, "")


async def test_yes_moves_the_reminders_and_sends_their_receipts(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, telegram: FakeTelegram
) -> None:
    user = await rest.add_user(7, timezone="Europe/Lisbon")
    job = rest.records.add_job(user.id)
    update = updates.callback_query("move_jobs:Europe/Lisbon")
    await update_processor.process_batch([update])

    answer = await read_answer(redis)
    assert [(effect.kind, effect.message_id) for effect in answer.receipts] == [
        ("reminder_changed", f"tg:424242:{update['update_id']}")
    ]
    assert str(job.id) in str(answer.receipts[0].after)
    assert {call.headers["X-User-Id"] for call in rest.calls} == {str(user.id)}
    (edit,) = telegram.calls_to("editMessageReplyMarkup")
    assert edit.parameters == {"chat_id": 7, "message_id": 5}


async def test_yes_without_reminders_says_so(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add_user(7, timezone="Asia/Tokyo")
    await update_processor.process_batch([updates.callback_query("move_jobs:Asia/Tokyo")])
    assert await read_text(redis) == "There are no such reminders any more."


async def test_no_changes_nothing_and_removes_the_buttons(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, telegram: FakeTelegram
) -> None:
    user = await rest.add_user(7)
    rest.records.add_job(user.id)
    await update_processor.process_batch([updates.callback_query("keep_jobs:Asia/Tokyo")])
    assert await read_text(redis) == "All right, they stay as they are."
    assert rest.calls == []
    assert len(telegram.calls_to("editMessageReplyMarkup")) == 1


async def test_rest_failure_keeps_the_buttons(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, telegram: FakeTelegram
) -> None:
    await rest.add_user(7, timezone="Asia/Tokyo")
    rest.failure_status = 503
    await update_processor.process_batch([updates.callback_query("move_jobs:Asia/Tokyo")])
    assert (await read_answer(redis)).notice == "try_again_later"
    assert telegram.calls_to("editMessageReplyMarkup") == []
