"""What a failure of Telegram means for a message: the worker is told, and so is the schedule."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from smart_kit.contracts.threads import RunRecord
from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox import Delivery, Outcome
from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram, Scripted, refusal
from tg_bot.src.client.errors import TelegramFenced
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.tests import live_frames
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_messages import notice, reminder, reply
from tg_bot.tests.services.delivery_helpers import sends_counted
from tg_bot.tests.services.hand import Hand

NOW = datetime(2031, 1, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
AWAY = refusal(502, "Bad Gateway")
TURNED_AWAY = "tg_bot:424242:turned_away:7"


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """No time passes for what is decided by a message's age."""
    monkeypatch.setattr("tg_bot.src.services.response_handler.utc_now", lambda: NOW)
    return NOW


def ended(run_id: object, state: str) -> str:
    record = RunRecord.model_validate({"run_id": run_id, "state": state, "ended_at": NOW})
    return record.model_dump_json()


@pytest.mark.parametrize(
    ("trouble", "seconds", "reason", "counted"),
    [
        (
            refusal(429, "Too Many Requests", retry_after=7),
            7.0,
            "Too Many Requests: 7 s",
            "retry_after",
        ),
        (refusal(500, "Internal Server Error"), 1.0, "Internal Server Error", "unavailable"),
        (refusal(401, "Unauthorized"), 1.0, "Unauthorized", "unavailable"),
    ],
    ids=["429", "500", "401"],
)
async def test_what_may_pass_is_tried_again_for_a_day(
    hand: Hand,
    telegram: FakeTelegram,
    trouble: Scripted,
    seconds: float,
    reason: str,
    counted: str,
) -> None:
    before = sends_counted(counted)
    telegram.script("sendMessage", trouble, trouble, trouble)
    fresh = await hand.take(reply("hi", created_at=NOW))
    with pytest.raises(RetryMessage) as waits:
        await hand.handler.handle(fresh)
    assert (waits.value.after, waits.value.message) == (seconds, reason)
    assert sends_counted(counted) == before + 1

    last = await hand.take(reply("hi", 2, chat_id=8, created_at=NOW - DAY))
    with pytest.raises(RetryMessage):
        await hand.handler.handle(last)

    old = await hand.take(reply("hi", 3, chat_id=9, created_at=NOW - DAY - timedelta(seconds=1)))
    with pytest.raises(RejectMessage) as dies:
        await hand.handler.handle(old)
    assert dies.value.message == f"Telegram has not taken it for a day: {reason}"


@pytest.mark.parametrize(
    ("age", "seconds"),
    [(-5, 1.0), (0, 1.0), (2, 1.0), (3, 1.5), (30, 15.0), (60, 30.0), (61, 30.0), (86_400, 30.0)],
)
async def test_the_longer_telegram_is_away_the_longer_a_message_waits(
    hand: Hand, telegram: FakeTelegram, age: float, seconds: float
) -> None:
    telegram.script("sendMessage", AWAY)
    delivery = await hand.take(reply("hi", created_at=NOW - timedelta(seconds=age)))

    with pytest.raises(RetryMessage) as waits:
        await hand.handler.handle(delivery)

    assert waits.value.after == seconds


async def test_what_must_not_go_out_for_now_is_tried_again_soon_and_never_given_up(
    redis: Redis, telegram: FakeTelegram, settings: TgBotSettings
) -> None:
    def fence() -> None:
        raise TelegramFenced

    async with TelegramClient(settings, fence) as client:
        hand = Hand(redis, client, settings)
        delivery = await hand.take(reply("hi", created_at=NOW - 2 * DAY))
        with pytest.raises(RetryMessage) as waits:
            await hand.handler.handle(delivery)

    assert (waits.value.after, waits.value.message) == (1.0, TelegramFenced().message)
    assert telegram.calls == []


async def test_what_telegram_refuses_is_rejected_with_its_words_and_counted(
    hand: Hand, telegram: FakeTelegram
) -> None:
    before = sends_counted("rejected")
    telegram.script("sendMessage", refusal(400, "Bad Request: chat not found"))
    delivery = await hand.take(reply("hi"))

    with pytest.raises(RejectMessage) as dies:
        await hand.handler.handle(delivery)

    assert dies.value.message == "Telegram refuses it: Bad Request: chat not found"
    assert sends_counted("rejected") == before + 1


async def test_what_another_bot_has_left_is_not_said_by_this_one(
    hand: Hand, telegram: FakeTelegram
) -> None:
    delivery = await hand.take(reply("from before", conversation="tg:1:7"))

    with pytest.raises(RejectMessage) as dies:
        await hand.handler.handle(delivery)

    assert dies.value.message == (
        "It is another bot's: its conversation is tg:1:7, here it is tg:424242:7"
    )
    assert telegram.calls == []


async def test_who_turns_the_bot_away_is_not_written_to_for_a_day(
    hand: Hand, telegram: FakeTelegram, redis: Redis
) -> None:
    before = sends_counted("forbidden")
    telegram.script("sendMessage", refusal(403, "Forbidden: bot was blocked by the user"))
    first, second = reminder("one"), reminder("two")

    delivery = await hand.take(first)
    outcome = await hand.handler.handle(delivery)
    assert await redis.get(TURNED_AWAY) == "Forbidden: bot was blocked by the user"
    assert 86_000 < await redis.ttl(TURNED_AWAY) <= 86_400
    await hand.mailbox.finish(delivery, outcome)
    next_outcome = await hand.handler.handle(await hand.take(second))

    assert outcome.record == ended(first.run_id, "failed")
    assert next_outcome.record == ended(second.run_id, "failed")
    assert len(telegram.calls) == 1
    assert sends_counted("forbidden") == before + 1


class TestOutcome:
    async def test_a_reminder_that_was_sent_is_done_and_its_journal_goes(
        self, hand: Hand, telegram: FakeTelegram
    ) -> None:
        message = reminder("stretch", NOW)

        outcome = await hand.handler.handle(await hand.take(message))

        assert outcome == Outcome(record=ended(message.run_id, "done"), journal_of=message.id)
        assert len(telegram.sent) == 1

    async def test_an_answer_is_none_of_the_schedules(self, hand: Hand) -> None:
        message = reply("hi")
        outcome = await hand.handler.handle(await hand.take(message))
        assert outcome == Outcome(journal_of=message.id)

    async def test_whom_we_have_blocked_hears_nothing_and_the_run_has_failed(
        self, hand: Hand, telegram: FakeTelegram, rest: FakeRestService
    ) -> None:
        await rest.add(7, status="blocked")
        message = reminder("stretch")

        outcome = await hand.handler.handle(await hand.take(message))

        assert outcome == Outcome(record=ended(message.run_id, "failed"), journal_of=message.id)
        assert telegram.calls == []

    async def test_a_reminder_that_is_given_up_has_failed(self, hand: Hand) -> None:
        message = reminder("stretch")
        delivery = await hand.take(message)
        assert await hand.handler.apologise(delivery) == Outcome(
            record=ended(message.run_id, "failed")
        )

    async def test_an_answer_that_is_given_up_leaves_nothing(self, hand: Hand) -> None:
        assert await hand.handler.apologise(await hand.take(reply("hi"))) == Outcome()

    async def test_what_cannot_be_read_is_rejected_and_nobody_is_told(self, hand: Hand) -> None:
        broken = reply("one").model_dump(mode="json") | {"text": 5, "chat_id": "x"}
        delivery = Delivery("1-0", "tg:424242:7", token=1, attempt=1, payload=json.dumps(broken))

        with pytest.raises(RejectMessage) as dies:
            await hand.handler.handle(delivery)

        assert dies.value.message == "It cannot be read: 2 problems."
        assert await hand.handler.apologise(delivery) == Outcome()


@pytest.mark.parametrize(
    ("facts", "method"),
    [(None, "sendRichMessage"), ({}, "sendRichMessage"), ({"rich_messages": False}, "sendMessage")],
)
async def test_a_table_is_rich_unless_its_reader_wants_none(
    hand: Hand,
    telegram: FakeTelegram,
    rest: FakeRestService,
    facts: dict[str, object] | None,
    method: str,
) -> None:
    if facts is not None:
        await rest.add(7, **facts)
    message = reply("|Name|Age|\n|-|-|\n|Anna|30|", silent=True)

    await hand.handler.handle(await hand.take(message))

    (sent,) = telegram.sent
    assert sent.method == method
    assert sent.parameters["disable_notification"] is True


async def test_a_long_message_keeps_its_parts_under_its_own_id(
    hand: Hand, telegram: FakeTelegram
) -> None:
    message = reply("word " * 1000)

    await hand.handler.handle(await hand.take(message))

    assert len(telegram.sent) == 2
    assert await hand.mailbox.steps(message.id) == {"0": "1"}


async def test_a_person_is_spoken_to_in_their_language(
    hand: Hand, telegram: FakeTelegram, rest: FakeRestService
) -> None:
    await rest.add(7, language="ru")
    await hand.handler.handle(await hand.take(notice("unknown_command")))
    assert telegram.texts(7)[0].startswith("Такой")


async def test_a_growing_answer_has_ended_before_the_whole_one_comes(
    hand: Hand, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[tuple[str, int]] = []

    async def end(answer_id: str) -> None:
        ends.append((answer_id, len(telegram.sent)))

    monkeypatch.setattr(hand.live, "end", end)
    await hand.handler.handle(await hand.take(reply("hi")))
    assert ends == [(live_frames.answer_id(), 0)]


async def test_every_line_about_a_message_names_its_cause_and_the_message(
    hand: Hand, telegram: FakeTelegram
) -> None:
    with capture_logs(processors=[merge_contextvars]) as lines:
        await hand.handler.handle(await hand.take(reply("hi")))

    (sent,) = [line for line in lines if line["event"] == "sent"]
    assert sent == {
        "event": "sent",
        "log_level": "info",
        "correlation_id": "tg:424242:1",
        "message_id": "reply:tg:424242:1",
        "chat_id": 7,
        "part": "0",
        "telegram_message_id": 1,
    }


async def test_it_is_measured_how_long_a_message_was_on_its_way(
    hand: Hand, telegram: FakeTelegram
) -> None:
    before = _measured("tg_bot_delivery_seconds"), _measured("tg_bot_send_seconds")
    telegram.script("sendMessage", AWAY)
    delivery = await hand.take(reply("hi", created_at=NOW - timedelta(seconds=90)))

    with pytest.raises(RetryMessage):
        await hand.handler.handle(delivery)
    assert _measured("tg_bot_delivery_seconds") == before[0], "it has not arrived"
    await hand.handler.handle(delivery)

    assert _measured("tg_bot_delivery_seconds") == (before[0][0] + 1, before[0][1] + 90)
    assert _measured("tg_bot_send_seconds")[0] == before[1][0] + 2, "whatever Telegram answers"


async def test_it_is_measured_how_long_telegram_takes(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter((1000.0, 1000.25))

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return next(times)

    monkeypatch.setattr("tg_bot.src.services.consignment.time", Clock)
    before = _measured("tg_bot_send_seconds")

    await hand.handler.handle(await hand.take(reply("hi")))

    count, seconds = _measured("tg_bot_send_seconds")
    assert (count, seconds) == (before[0] + 1, pytest.approx(before[1] + 0.25))


def _measured(name: str) -> tuple[float, float]:
    """How often, and how many seconds in all."""
    count, seconds = (REGISTRY.get_sample_value(f"{name}_{kind}") for kind in ("count", "sum"))
    return count or 0.0, seconds or 0.0
