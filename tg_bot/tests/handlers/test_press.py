"""Pressed buttons: kept like messages, in their order, from whom they were made for."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from redis.exceptions import ConnectionError as RedisLost
from structlog.testing import capture_logs

from smart_kit.contracts.queue import Notice, UserPress
from smart_kit.mailbox import Letter
from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram, Scripted, refusal
from tg_bot.src.config.settings import AllowList
from tg_bot.src.handlers.press import callback_data
from tg_bot.src.services.intake import Intake
from tg_bot.tests import updates
from tg_bot.tests.conftest import MakeIntake
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import dead_letters, to_secretary, to_telegram

ROW = UUID("0196d2a1-5f0e-7c3b-9c70-8f2d1b2a3c4d")
GROUP = {"id": -100500, "type": "supergroup", "title": "Us"}


@pytest.mark.parametrize(
    ("data", "chosen", "row_id"),
    [
        (f"assistant:{ROW}", "assistant", ROW),
        (f"model:{ROW}", "model", ROW),
        ("model:own", "model", None),
    ],
)
async def test_a_press_reaches_the_secretary_with_all_that_it_needs(
    intake: Intake, redis: Redis, data: str, chosen: str, row_id: UUID | None
) -> None:
    update = updates.press(data)
    await intake.take([update])

    (press,) = await to_secretary(redis)
    assert isinstance(press, UserPress)
    assert press.id == press.correlation_id == f"tg:424242:{update['update_id']}"
    assert (press.conversation, press.chat_id) == ("tg:424242:7", 7)
    assert (press.chosen, press.row_id) == (chosen, row_id)
    assert (press.sender.telegram_id, press.sender.language_code) == (7, "en")
    assert callback_data(press.chosen, press.row_id) == data
    assert len(data.encode()) <= 64


async def test_presses_keep_their_place_among_the_messages_and_count_once(
    intake: Intake, redis: Redis
) -> None:
    batch = [updates.message("a"), updates.press("model:own"), updates.message("b")]
    await intake.take(batch)
    await intake.take(batch)
    kinds = [one.kind for one in await to_secretary(redis)]
    assert kinds == ["user_message", "user_press", "user_message"]


async def test_a_button_too_old_to_be_read_still_works(intake: Intake, redis: Redis) -> None:
    old = {"message_id": 5, "date": 0, "chat": {"id": 7, "type": "private"}}
    await intake.take([updates.press("model:own", message=old)])
    assert len(await to_secretary(redis)) == 1


@pytest.mark.parametrize(
    "data",
    [
        "",
        "model",
        "model:",
        "model:OWN",
        "model:own ",
        f"model:{ROW}x",
        f"model:{str(ROW).upper()}",
        f"model:{ROW.hex}",
        f"job:{ROW}",
        f"model:own\nmodel:{ROW}",
        "\ud83d:own",
        None,
        5,
        {"chosen": "model"},
    ],
)
async def test_what_is_no_button_of_ours_is_answered_dropped_and_told_in_the_log(
    intake: Intake, redis: Redis, telegram: FakeTelegram, data: Any
) -> None:
    with capture_logs() as logs:
        await intake.take([updates.press(data), updates.message("fine")])

    assert [one.kind for one in await to_secretary(redis)] == ["user_message"]
    assert await to_telegram(redis) == []
    assert await dead_letters(redis) == []
    assert len(telegram.calls_of("answerCallbackQuery")) == 1
    assert "press of an unknown button" in [one["event"] for one in logs]


@pytest.mark.parametrize(
    "fields",
    [
        {"message": {"message_id": 5, "date": 1, "chat": GROUP}},
        {"message": {"message_id": 5, "date": 1, "chat": {"id": 8, "type": "private"}}},
        {"message": None, "inline_message_id": "x"},
        {"from": updates.user(7, is_bot=True)},
    ],
)
async def test_only_the_chats_own_person_may_press(
    intake: Intake, redis: Redis, telegram: FakeTelegram, fields: dict[str, Any]
) -> None:
    with capture_logs() as logs:
        await intake.take([updates.press("model:own", **fields)])

    assert await to_secretary(redis) == []
    assert await dead_letters(redis) == []
    assert len(telegram.calls_of("answerCallbackQuery")) == 1
    told = [(one["event"], one["telegram_id"]) for one in logs if one["log_level"] == "warning"]
    assert told == [("press outside a private chat", 7)]


async def test_whoever_may_not_talk_may_not_press(
    make_intake: MakeIntake, redis: Redis, rest: FakeRestService
) -> None:
    await rest.add(8, is_invited=True)
    await rest.add(9, is_invited=True, status="blocked")
    intake = make_intake(AllowList(frozenset({6})))
    await intake.take([updates.press("model:own", person) for person in (6, 7, 7, 8, 9)])

    assert [press.chat_id for press in await to_secretary(redis)] == [6, 8]
    (answer,) = await to_telegram(redis)
    assert isinstance(answer, Notice)
    assert (answer.chat_id, answer.notice) == (7, "not_permitted")


async def test_a_press_is_kept_while_telegram_is_slow_to_let_the_button_go(
    intake: Intake, redis: Redis, telegram: FakeTelegram
) -> None:
    lets_go = asyncio.Event()
    answers = Scripted(until=lets_go), refusal(400, "query is too old")
    telegram.script("answerCallbackQuery", *answers)
    presses = [updates.press("model:own"), updates.press("model:own")]
    taking = asyncio.create_task(intake.take(presses))
    async with asyncio.timeout(60):
        while len(await to_secretary(redis)) < 2:
            await asyncio.sleep(0.01)
    await telegram.until(lambda: len(telegram.calls_of("answerCallbackQuery")) == 2)
    assert not taking.done()
    lets_go.set()
    await taking


async def test_a_press_that_could_not_be_kept_comes_again(
    intake: Intake, redis: Redis, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(*_: Letter) -> None:
        raise RedisLost

    batch = [updates.press("model:own")]
    with monkeypatch.context() as patched:
        patched.setattr(intake._queues.to_secretary, "enqueue", lose)
        with pytest.raises(RedisLost):
            await intake.take(batch)
    await intake.take(batch)
    assert len(await to_secretary(redis)) == 1
    assert len(telegram.calls_of("answerCallbackQuery")) >= 1
