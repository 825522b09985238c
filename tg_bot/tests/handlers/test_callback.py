"""Button presses: queued in order like messages, and accepted only in the private chat."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from redis.exceptions import ConnectionError as RedisLost
from structlog.testing import capture_logs

from smart_kit.contracts.queue import Notice, UserPress
from smart_kit.mailbox import Envelope
from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram, ScriptedApiResponse, make_api_error
from tg_bot.src.config.settings import AllowList
from tg_bot.src.services.update_processor import UpdateProcessor
from tg_bot.tests import updates
from tg_bot.tests.conftest import MakeUpdateProcessor
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.handlers.answers import read_answer
from tg_bot.tests.queue_contents import read_dead_letters, read_secretary_queue, read_telegram_queue

ROW = UUID("0196d2a1-5f0e-7c3b-9c70-8f2d1b2a3c4d")
GROUP = {"id": -100500, "type": "supergroup", "title": "Us"}


@pytest.mark.parametrize(
    ("data", "chosen", "row_id"),
    [
        (f"assistant:{ROW}", "assistant", ROW),
        (f"model:{ROW}", "model", ROW),
        ("model:default", "model", None),
    ],
)
async def test_press_is_enqueued_with_its_choice_and_sender(
    update_processor: UpdateProcessor, redis: Redis, data: str, chosen: str, row_id: UUID | None
) -> None:
    update = updates.callback_query(data)
    await update_processor.process_batch([update])

    (press,) = await read_secretary_queue(redis)
    assert isinstance(press, UserPress)
    assert press.id == press.correlation_id == f"tg:424242:{update['update_id']}"
    assert (press.conversation, press.chat_id) == ("tg:424242:7", 7)
    assert (press.choice_kind, press.row_id) == (chosen, row_id)
    assert (press.sender.telegram_id, press.sender.language_code) == (7, "en")
    assert len(data.encode()) <= 64


async def test_chosen_time_zone_is_passed_on_and_asked_for_only_once(
    update_processor: UpdateProcessor, redis: Redis, telegram: FakeTelegram
) -> None:
    await update_processor.process_batch([updates.callback_query("timezone_answer:Asia/Tokyo")])

    (press,) = await read_secretary_queue(redis)
    assert isinstance(press, UserPress)
    assert (press.choice_kind, press.timezone, press.row_id) == ("timezone", "Asia/Tokyo", None)
    (edit,) = telegram.calls_to("editMessageReplyMarkup")
    assert edit.parameters == {"chat_id": 7, "message_id": 5}


async def test_late_answer_to_the_question_is_a_move_to_another_zone(
    update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService, telegram: FakeTelegram
) -> None:
    """The reminders of the zone that was chosen in another way are asked about."""
    user = await rest.add_user(7, timezone="Europe/Berlin")
    rest.records.add_job(user.id)
    await update_processor.process_batch([updates.callback_query("timezone_answer:Asia/Tokyo")])

    answer = await read_answer(redis)
    assert [button.data for button in answer.buttons] == [
        "move_jobs:Asia/Tokyo",
        "keep_jobs:Asia/Tokyo",
    ]
    assert await read_secretary_queue(redis) == []
    assert len(telegram.calls_to("editMessageReplyMarkup")) == 1


async def test_presses_keep_their_order_and_are_deduplicated(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    batch = [updates.message("a"), updates.callback_query("model:default"), updates.message("b")]
    await update_processor.process_batch(batch)
    await update_processor.process_batch(batch)
    kinds = [message.kind for message in await read_secretary_queue(redis)]
    assert kinds == ["user_message", "user_press", "user_message"]


async def test_button_of_an_inaccessible_message_works(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    old = {"message_id": 5, "date": 0, "chat": {"id": 7, "type": "private"}}
    await update_processor.process_batch([updates.callback_query("model:default", message=old)])
    assert len(await read_secretary_queue(redis)) == 1


@pytest.mark.parametrize(
    "data",
    [
        "",
        "model",
        "model:",
        "model:OWN",
        "model:default ",
        f"model:{ROW}x",
        f"model:{str(ROW).upper()}",
        f"model:{ROW.hex}",
        f"job:{ROW}",
        f"done:{ROW}x",
        "snooze_10m:",
        "cancel_job:1",
        "finish_task:default",
        "language:fr",
        "timezone:Mars/Base",
        "timezone_answer:../etc/passwd",
        "timezone_answer:",
        f"model:default\nmodel:{ROW}",
        "\ud83d:default",
        None,
        5,
        {"chosen": "model"},
    ],
)
async def test_unknown_callback_data_is_acknowledged_and_logged(
    update_processor: UpdateProcessor, redis: Redis, telegram: FakeTelegram, data: Any
) -> None:
    with capture_logs() as logs:
        await update_processor.process_batch(
            [updates.callback_query(data), updates.message("fine")]
        )

    assert [message.kind for message in await read_secretary_queue(redis)] == ["user_message"]
    assert await read_telegram_queue(redis) == []
    assert await read_dead_letters(redis) == []
    assert len(telegram.calls_to("answerCallbackQuery")) == 1
    assert "unknown callback data ignored" in [line["event"] for line in logs]


@pytest.mark.parametrize(
    "fields",
    [
        {"message": {"message_id": 5, "date": 1, "chat": GROUP}},
        {"message": {"message_id": 5, "date": 1, "chat": {"id": 8, "type": "private"}}},
        {"message": None, "inline_message_id": "x"},
        {"from": updates.user(7, is_bot=True)},
    ],
)
async def test_press_outside_the_private_chat_is_ignored(
    update_processor: UpdateProcessor, redis: Redis, telegram: FakeTelegram, fields: dict[str, Any]
) -> None:
    with capture_logs() as logs:
        await update_processor.process_batch([updates.callback_query("model:default", **fields)])

    assert await read_secretary_queue(redis) == []
    assert await read_dead_letters(redis) == []
    assert len(telegram.calls_to("answerCallbackQuery")) == 1
    warnings = [
        (line["event"], line["telegram_id"]) for line in logs if line["log_level"] == "warning"
    ]
    assert warnings == [("callback outside a private chat ignored", 7)]


async def test_press_without_access_is_refused(
    make_update_processor: MakeUpdateProcessor, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add_user(8, is_invited=True)
    await rest.add_user(9, is_invited=True, status="blocked")
    processor = make_update_processor(AllowList((6,)))
    await processor.process_batch(
        [updates.callback_query("model:default", person) for person in (6, 7, 7, 8, 9)]
    )

    assert [press.chat_id for press in await read_secretary_queue(redis)] == [6, 8]
    (answer,) = await read_telegram_queue(redis)
    assert isinstance(answer, Notice)
    assert (answer.chat_id, answer.notice) == (7, "not_permitted")


async def test_slow_acknowledgement_does_not_delay_the_queue(
    update_processor: UpdateProcessor, redis: Redis, telegram: FakeTelegram
) -> None:
    lets_go = asyncio.Event()
    answers = ScriptedApiResponse(release_event=lets_go), make_api_error(400, "query is too old")
    telegram.script_responses("answerCallbackQuery", *answers)
    presses = [updates.callback_query("model:default"), updates.callback_query("model:default")]
    taking = asyncio.create_task(update_processor.process_batch(presses))
    async with asyncio.timeout(60):
        while len(await read_secretary_queue(redis)) < 2:
            await asyncio.sleep(0.01)
    await telegram.wait_until(lambda: len(telegram.calls_to("answerCallbackQuery")) == 2)
    assert not taking.done()
    lets_go.set()
    await taking


async def test_press_is_processed_again_after_a_redis_error(
    update_processor: UpdateProcessor,
    redis: Redis,
    telegram: FakeTelegram,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def lose(*_: Envelope) -> None:
        raise RedisLost

    batch = [updates.callback_query("model:default")]
    with monkeypatch.context() as patched:
        patched.setattr(update_processor._queues.to_secretary, "enqueue", lose)
        with pytest.raises(RedisLost):
            await update_processor.process_batch(batch)
    await update_processor.process_batch(batch)
    assert len(await read_secretary_queue(redis)) == 1
    assert len(telegram.calls_to("answerCallbackQuery")) >= 1
