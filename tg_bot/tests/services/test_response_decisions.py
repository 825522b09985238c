"""What each failure of Telegram means for a message and for its scheduled run."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from smart_kit.contracts.threads import CronJobRunRecord
from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox import Delivery, Outcome
from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram, ScriptedApiResponse, make_api_error
from tg_bot.src.client.errors import LeaseNotHeld
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.tests import progress_frames
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_messages import make_notice, make_reminder, make_reply
from tg_bot.tests.services.delivery import count_sends
from tg_bot.tests.services.sending_harness import SendingHarness

NOW = datetime(2031, 1, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
BAD_GATEWAY = make_api_error(502, "Bad Gateway")
BOT_BLOCKED_KEY = "tg_bot:424242:bot_blocked:7"


@pytest.fixture(autouse=True)
def frozen_now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Freeze the time by which the age of a message is computed."""
    monkeypatch.setattr("tg_bot.src.services.response_handler.utc_now", lambda: NOW)
    return NOW


def run_record(run_id: object, state: str) -> str:
    record = CronJobRunRecord.model_validate({"run_id": run_id, "state": state, "ended_at": NOW})
    return record.model_dump_json()


@pytest.mark.parametrize(
    ("failure", "seconds", "reason", "counted"),
    [
        (
            make_api_error(429, "Too Many Requests", retry_after=7),
            7.0,
            "Too Many Requests: 7 s",
            "retry_after",
        ),
        (make_api_error(500, "Internal Server Error"), 1.0, "Internal Server Error", "unavailable"),
        (make_api_error(401, "Unauthorized"), 1.0, "Unauthorized", "unavailable"),
    ],
    ids=["429", "500", "401"],
)
async def test_temporary_failures_are_retried_for_a_day(
    harness: SendingHarness,
    telegram: FakeTelegram,
    failure: ScriptedApiResponse,
    seconds: float,
    reason: str,
    counted: str,
) -> None:
    before = count_sends(counted)
    telegram.script_responses("sendMessage", failure, failure, failure)
    fresh = await harness.receive(make_reply("hi", created_at=NOW))
    with pytest.raises(RetryMessage) as waits:
        await harness.handler.handle(fresh)
    assert (waits.value.after, waits.value.message) == (seconds, reason)
    assert count_sends(counted) == before + 1

    last = await harness.receive(make_reply("hi", 2, chat_id=8, created_at=NOW - DAY))
    with pytest.raises(RetryMessage):
        await harness.handler.handle(last)

    old = await harness.receive(
        make_reply("hi", 3, chat_id=9, created_at=NOW - DAY - timedelta(seconds=1))
    )
    with pytest.raises(RejectMessage) as dies:
        await harness.handler.handle(old)
    assert dies.value.message == f"Telegram has not taken it for a day: {reason}"


@pytest.mark.parametrize(
    ("age", "seconds"),
    [(-5, 1.0), (0, 1.0), (2, 1.0), (3, 1.5), (30, 15.0), (60, 30.0), (61, 30.0), (86_400, 30.0)],
)
async def test_retry_delay_grows_with_the_outage(
    harness: SendingHarness, telegram: FakeTelegram, age: float, seconds: float
) -> None:
    telegram.script_responses("sendMessage", BAD_GATEWAY)
    delivery = await harness.receive(make_reply("hi", created_at=NOW - timedelta(seconds=age)))

    with pytest.raises(RetryMessage) as waits:
        await harness.handler.handle(delivery)

    assert waits.value.after == seconds


async def test_lost_lease_is_retried_soon_without_an_age_limit(
    redis: Redis, telegram: FakeTelegram, settings: TgBotSettings
) -> None:
    def fence() -> None:
        raise LeaseNotHeld

    async with TelegramClient(settings, fence) as client:
        harness = SendingHarness(redis, client, settings)
        delivery = await harness.receive(make_reply("hi", created_at=NOW - 2 * DAY))
        with pytest.raises(RetryMessage) as waits:
            await harness.handler.handle(delivery)

    assert (waits.value.after, waits.value.message) == (1.0, LeaseNotHeld().message)
    assert telegram.calls == []


async def test_refusal_is_rejected_with_its_description_and_counted(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    before = count_sends("rejected")
    telegram.script_responses("sendMessage", make_api_error(400, "Bad Request: chat not found"))
    delivery = await harness.receive(make_reply("hi"))

    with pytest.raises(RejectMessage) as dies:
        await harness.handler.handle(delivery)

    assert dies.value.message == "Telegram refuses it: Bad Request: chat not found"
    assert count_sends("rejected") == before + 1


async def test_message_of_another_bot_is_rejected(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    delivery = await harness.receive(make_reply("from before", conversation="tg:1:7"))

    with pytest.raises(RejectMessage) as dies:
        await harness.handler.handle(delivery)

    assert dies.value.message == (
        "It belongs to another bot: its conversation is tg:1:7, not tg:424242:7"
    )
    assert telegram.calls == []


async def test_chat_that_blocked_the_bot_is_skipped_for_a_day(
    harness: SendingHarness, telegram: FakeTelegram, redis: Redis
) -> None:
    before = count_sends("forbidden")
    telegram.script_responses(
        "sendMessage", make_api_error(403, "Forbidden: bot was blocked by the user")
    )
    first, second = make_reminder("one"), make_reminder("two")

    delivery = await harness.receive(first)
    outcome = await harness.handler.handle(delivery)
    assert await redis.get(BOT_BLOCKED_KEY) == "Forbidden: bot was blocked by the user"
    assert 86_000 < await redis.ttl(BOT_BLOCKED_KEY) <= 86_400
    await harness.mailbox.finish(delivery, outcome)
    next_outcome = await harness.handler.handle(await harness.receive(second))

    assert outcome.archive_record == run_record(first.run_id, "failed")
    assert next_outcome.archive_record == run_record(second.run_id, "failed")
    assert len(telegram.calls) == 1
    assert count_sends("forbidden") == before + 1


class TestOutcome:
    async def test_sent_reminder_is_recorded_and_its_journal_deleted(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        message = make_reminder("stretch", NOW)

        outcome = await harness.handler.handle(await harness.receive(message))

        assert outcome == Outcome(
            archive_record=run_record(message.run_id, "done"), journal_message_id=message.id
        )
        assert len(telegram.sent) == 1

    async def test_reply_has_no_run_record(self, harness: SendingHarness) -> None:
        message = make_reply("hi")
        outcome = await harness.handler.handle(await harness.receive(message))
        assert outcome == Outcome(journal_message_id=message.id)

    async def test_report_does_not_end_its_run(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        message = make_reminder("tell me the news", is_report=True)
        delivery = await harness.receive(message)
        assert await harness.handler.handle(delivery) == Outcome(journal_message_id=message.id)
        assert await harness.handler.on_dead_letter(delivery) == Outcome()
        assert len(telegram.sent) == 1

    async def test_reminder_of_a_blocked_user_fails(
        self, harness: SendingHarness, telegram: FakeTelegram, rest: FakeRestService
    ) -> None:
        await rest.add_user(7, status="blocked")
        message = make_reminder("stretch")

        outcome = await harness.handler.handle(await harness.receive(message))

        assert outcome == Outcome(
            archive_record=run_record(message.run_id, "failed"), journal_message_id=message.id
        )
        assert telegram.calls == []

    async def test_dead_lettered_reminder_fails(self, harness: SendingHarness) -> None:
        message = make_reminder("stretch")
        delivery = await harness.receive(message)
        assert await harness.handler.on_dead_letter(delivery) == Outcome(
            archive_record=run_record(message.run_id, "failed")
        )

    async def test_dead_lettered_reply_has_no_run_record(self, harness: SendingHarness) -> None:
        assert (
            await harness.handler.on_dead_letter(await harness.receive(make_reply("hi")))
            == Outcome()
        )

    async def test_unreadable_message_is_rejected_without_a_notice(
        self, harness: SendingHarness
    ) -> None:
        broken = make_reply("one").model_dump(mode="json") | {"text": 5, "chat_id": "x"}
        delivery = Delivery(
            "1-0", "tg:424242:7", fencing_token=1, attempt=1, payload=json.dumps(broken)
        )

        with pytest.raises(RejectMessage) as dies:
            await harness.handler.handle(delivery)

        assert dies.value.message == "It cannot be read: 2 problems."
        assert await harness.handler.on_dead_letter(delivery) == Outcome()


@pytest.mark.parametrize(
    ("facts", "method"),
    [(None, "sendRichMessage"), ({}, "sendRichMessage"), ({"rich_messages": False}, "sendMessage")],
)
async def test_rich_setting_decides_how_a_table_is_sent(
    harness: SendingHarness,
    telegram: FakeTelegram,
    rest: FakeRestService,
    facts: dict[str, object] | None,
    method: str,
) -> None:
    if facts is not None:
        await rest.add_user(7, **facts)
    message = make_reply("|Name|Age|\n|-|-|\n|Anna|30|", priority="low")

    await harness.handler.handle(await harness.receive(message))

    (sent,) = telegram.sent
    assert sent.method == method
    assert sent.parameters["disable_notification"] is True


async def test_parts_are_journaled_under_the_message_id(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    message = make_reply("word " * 1000)

    await harness.handler.handle(await harness.receive(message))

    assert len(telegram.sent) == 2
    assert await harness.mailbox.load_journal(message.id) == {"0": "1"}


async def test_reply_uses_the_language_of_the_user(
    harness: SendingHarness, telegram: FakeTelegram, rest: FakeRestService
) -> None:
    await rest.add_user(7, language="ru")
    await harness.handler.handle(await harness.receive(make_notice("unknown_command")))
    assert telegram.sent_texts(7)[0].startswith("Такой")


async def test_draft_ends_before_the_reply_is_sent(
    harness: SendingHarness, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[tuple[str, int]] = []

    async def end(answer_id: str) -> None:
        ends.append((answer_id, len(telegram.sent)))

    monkeypatch.setattr(harness.progress_listener, "finish_turn", end)
    await harness.handler.handle(await harness.receive(make_reply("hi")))
    assert ends == [(progress_frames.reply_id_for(), 0)]


async def test_log_lines_contain_correlation_and_message_ids(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    with capture_logs(processors=[merge_contextvars]) as lines:
        await harness.handler.handle(await harness.receive(make_reply("hi")))

    (sent,) = [line for line in lines if line["event"] == "message sent"]
    assert sent == {
        "event": "message sent",
        "log_level": "info",
        "correlation_id": "tg:424242:1",
        "message_id": "reply:tg:424242:1",
        "chat_id": 7,
        "part": "0",
        "telegram_message_id": 1,
    }


async def test_delivery_duration_is_measured(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    before = _read_histogram("tg_bot_delivery_seconds"), _read_histogram("tg_bot_send_seconds")
    telegram.script_responses("sendMessage", BAD_GATEWAY)
    delivery = await harness.receive(make_reply("hi", created_at=NOW - timedelta(seconds=90)))

    with pytest.raises(RetryMessage):
        await harness.handler.handle(delivery)
    assert _read_histogram("tg_bot_delivery_seconds") == before[0], "it has not arrived"
    await harness.handler.handle(delivery)

    assert _read_histogram("tg_bot_delivery_seconds") == (before[0][0] + 1, before[0][1] + 90)
    assert _read_histogram("tg_bot_send_seconds")[0] == before[1][0] + 2, (
        "whatever Telegram answers"
    )


async def test_request_duration_is_measured(
    harness: SendingHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter((1000.0, 1000.25))

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return next(times)

    monkeypatch.setattr("tg_bot.src.services.message_sender.time", Clock)
    before = _read_histogram("tg_bot_send_seconds")

    await harness.handler.handle(await harness.receive(make_reply("hi")))

    count, seconds = _read_histogram("tg_bot_send_seconds")
    assert (count, seconds) == (before[0] + 1, pytest.approx(before[1] + 0.25))


def _read_histogram(name: str) -> tuple[float, float]:
    """Return the count and the sum of a histogram."""
    count, seconds = (REGISTRY.get_sample_value(f"{name}_{kind}") for kind in ("count", "sum"))
    return count or 0.0, seconds or 0.0
