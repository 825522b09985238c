"""/reminders, and its buttons."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from smart_kit.redis import Redis, await_result
from smart_kit.testing.fake_telegram import FakeTelegram
from tg_bot.src.services.update_processor import UpdateProcessor
from tg_bot.tests import updates
from tg_bot.tests.conftest import RunBot
from tg_bot.tests.fake_records import DUE
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.handlers.answers import list_buttons, read_answer, read_text

GONE = "This reminder has already come or been cancelled."


async def test_reminders_are_numbered_and_the_next_is_first(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    user = await rest.add_user(7)
    news = rest.records.add_job(
        user.id, "tell me the news", type="prompt", cron_expression="0 9 * * 1-5"
    )
    call = rest.records.add_job(user.id, next_fire_at=DUE - timedelta(hours=1))
    rest.records.add_job(user.id, "over", is_active=False)
    await update_processor.process_batch([updates.message("/reminders")])

    answer = await read_answer(redis)
    assert answer.parameters["text"] == (
        "Your reminders:\n"
        "1. Fri 27 Nov 08:00 Europe/Berlin — call Anna\n"
        "2. Fri 27 Nov 09:00 Europe/Berlin, on weekdays — scheduled request: tell me the news"
    )
    assert list_buttons(answer) == [
        ("✕ 1 call Anna", f"cancel_job:{call.id}"),
        ("✕ 2 tell me the news", f"cancel_job:{news.id}"),
    ]
    (request,) = rest.calls
    assert request.headers["X-User-Id"] == str(user.id)
    assert dict(request.url.params) == {
        "user_id": str(user.id),
        "is_active": "true",
        "limit": "200",
    }


async def test_empty_list_says_how_to_add_a_reminder(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    russian = {"from": updates.user(language_code="ru")}
    await update_processor.process_batch([updates.message("/reminders", **russian)])
    assert (await read_text(redis)).startswith("У вас нет напоминаний. Напишите, например: ")


async def test_press_cancels_the_reminder_and_sends_its_receipt(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    user = await rest.add_user(7)
    job = rest.records.add_job(user.id)
    update = updates.callback_query(f"cancel_job:{job.id}")
    await update_processor.process_batch([update])

    assert rest.records.jobs == {}
    answer = await read_answer(redis)
    assert [effect.kind for effect in answer.receipts] == ["reminder_cancelled"]
    assert answer.parameters["text"] == ""
    keys = {call.headers.get("Idempotency-Key") for call in rest.calls} - {None}
    assert keys == {f"tg:424242:{update['update_id']}/0"}


async def test_press_removes_only_its_own_button(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, rest: FakeRestService
) -> None:
    user = await rest.add_user(7)
    rest.records.add_job(user.id, "stretch")
    call = rest.records.add_job(user.id, next_fire_at=DUE - timedelta(hours=1))
    async with run_bot():
        telegram.push(updates.message("/reminders"))
        await telegram.wait_until(lambda: len(telegram.sent) == 1)
        telegram.push(updates.press_button(telegram, "✕ 1 call Anna"))
        await telegram.wait_until(lambda: bool(telegram.calls_to("editMessageReplyMarkup")))

    (edit,) = telegram.calls_to("editMessageReplyMarkup")
    assert edit.parameters["message_id"] == 1
    rows = telegram.sent[0].parameters["reply_markup"]["inline_keyboard"]
    assert edit.parameters["reply_markup"] == {"inline_keyboard": rows[1:]}
    assert call.id not in rest.records.jobs


async def test_press_of_the_last_button_removes_the_keyboard(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, rest: FakeRestService
) -> None:
    rest.records.add_job((await rest.add_user(7)).id)
    async with run_bot():
        telegram.push(updates.message("/reminders"))
        await telegram.wait_until(lambda: len(telegram.sent) == 1)
        telegram.push(updates.press_button(telegram, "✕ 1 call Anna"))
        await telegram.wait_until(lambda: bool(telegram.calls_to("editMessageReplyMarkup")))
    (edit,) = telegram.calls_to("editMessageReplyMarkup")
    assert "reply_markup" not in edit.parameters


async def test_repeated_press_sends_the_receipt_again(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    """The process may have been killed after the first attempt."""
    user = await rest.add_user(7)
    batch = [updates.callback_query(f"cancel_job:{rest.records.add_job(user.id).id}")]
    await update_processor.process_batch(batch)
    first = await read_answer(redis)
    await await_result(
        redis.delete("queue:to_telegram:waiting:tg:424242:7", "queue:to_telegram:seen")
    )
    await update_processor.process_batch(batch)

    assert (await read_answer(redis)).receipts == first.receipts
    assert len(rest.records.effects) == 1


@pytest.mark.parametrize("facts", [None, {"is_active": False}], ids=["deleted", "fired"])
async def test_press_on_a_reminder_that_is_gone_says_so(
    update_processor: UpdateProcessor,
    redis: Redis,
    rest: FakeRestService,
    facts: dict[str, Any] | None,
) -> None:
    user = await rest.add_user(7)
    job_id = uuid4() if facts is None else rest.records.add_job(user.id, **facts).id
    await update_processor.process_batch([updates.callback_query(f"cancel_job:{job_id}")])
    assert await read_text(redis) == GONE
    assert rest.records.effects == []


async def test_button_remains_after_a_failure(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, rest: FakeRestService
) -> None:
    rest.records.add_job((await rest.add_user(7)).id)
    async with run_bot():
        telegram.push(updates.message("/reminders"))
        await telegram.wait_until(lambda: len(telegram.sent) == 1)
        rest.failure_status = 503
        telegram.push(updates.press_button(telegram, "✕ 1 call Anna"))
        await telegram.wait_until(lambda: len(telegram.sent) == 2)
    assert telegram.calls_to("editMessageReplyMarkup") == []


@pytest.mark.parametrize("is_press", [True, False])
async def test_rest_failure_asks_to_try_again_later(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, is_press: bool
) -> None:
    await rest.add_user(7)
    rest.failure_status = 503
    press, command = updates.callback_query(f"cancel_job:{uuid4()}"), updates.message("/reminders")
    await update_processor.process_batch([press if is_press else command])
    assert (await read_answer(redis)).notice == "try_again_later"
