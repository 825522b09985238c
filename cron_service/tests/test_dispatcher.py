"""From a claim to the queues, with failures in between."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from redis.exceptions import ConnectionError as RedisConnectionError

from cron_service.app.dispatcher import (
    CONTENDED_RETRY_DELAY,
    NO_BOT_RETRY_DELAY,
    Dispatcher,
    DispatchResult,
)
from cron_service.app.redis_client import RedisClient
from cron_service.app.rest_client import RestClient
from cron_service.tests.fake_rest_service import CHAT_ID, TELEGRAM_ID, FakeRestService
from cron_service.tests.queue_reader import TIMEOUT_SECONDS, read_notifications, read_prompts
from smart_kit.contracts.cron_jobs import ClaimedRuns
from smart_kit.contracts.keys import ACTIVE_BOT_KEY
from smart_kit.contracts.queue import BotIdentity
from smart_kit.errors import UpstreamUnavailable
from smart_kit.mailbox import Envelope, Mailbox
from smart_kit.redis import Redis

NO_DELAY = timedelta()


async def test_reminder_is_queued_for_telegram_with_all_fields(
    dispatcher: Dispatcher, rest_service: FakeRestService, redis: Redis, bot: BotIdentity
) -> None:
    run_id = rest_service.add_run("stretch")
    facts = rest_service.runs[0].claimed_run
    await dispatcher.dispatch()

    (message,) = await read_notifications(redis)
    assert message.id == message.correlation_id == f"run:{run_id}"
    assert message.conversation == f"tg:{bot.id}:{CHAT_ID}"
    assert (message.chat_id, message.text, message.priority) == (CHAT_ID, "stretch", "low")
    assert (message.run_id, message.job_id) == (facts.id, facts.job_id)
    assert (message.language_code, message.timezone) == ("ru", "Europe/Berlin")
    assert message.scheduled_for == facts.scheduled_for
    assert await read_prompts(redis) == []
    assert rest_service.reported_run_ids == [run_id]


async def test_prompt_is_queued_for_secretary_with_all_fields(
    dispatcher: Dispatcher, rest_service: FakeRestService, redis: Redis, bot: BotIdentity
) -> None:
    run_id = rest_service.add_run("look up the weather", type="prompt")
    facts = rest_service.runs[0].claimed_run
    await dispatcher.dispatch()

    (message,) = await read_prompts(redis)
    assert message.id == message.correlation_id == f"run:{run_id}"
    assert message.conversation == f"tg:{bot.id}:{CHAT_ID}"
    assert (message.chat_id, message.telegram_id) == (CHAT_ID, TELEGRAM_ID)
    assert (message.run_id, message.job_id) == (facts.id, facts.job_id)
    assert (message.text, message.scheduled_for) == ("look up the weather", facts.scheduled_for)
    assert await read_notifications(redis) == []
    assert rest_service.reported_run_ids == [run_id]


async def test_late_reminders_keep_their_order(
    dispatcher: Dispatcher, rest_service: FakeRestService, redis: Redis, bot: BotIdentity
) -> None:
    for text in "abc":
        rest_service.add_run(text)
    await dispatcher.dispatch()

    assert [message.text for message in await read_notifications(redis)] == ["a", "b", "c"]


async def test_run_claimed_by_dead_process_is_queued_later(
    dispatcher: Dispatcher, rest_service: FakeRestService, redis: Redis, bot: BotIdentity
) -> None:
    rest_service.add_run("stretch")
    rest_service.claim()
    await dispatcher.dispatch()
    assert await read_notifications(redis) == [], "claimed a moment ago: its claimer may be alive"
    assert rest_service.claimed_bot_ids == {str(bot.id)}

    rest_service.redispatch_after = timedelta()
    await dispatcher.dispatch()
    assert len(await read_notifications(redis)) == 1


async def test_unreported_run_is_not_queued_twice(
    dispatcher: Dispatcher, rest_service: FakeRestService, redis: Redis, bot: BotIdentity
) -> None:
    run_id = rest_service.add_run("stretch")
    rest_service.redispatch_after = timedelta()
    rest_service.unavailable_paths = {"dispatched"}
    with pytest.raises(UpstreamUnavailable):
        await dispatcher.dispatch()
    assert len(await read_notifications(redis)) == 1

    rest_service.unavailable_paths = set()
    await dispatcher.dispatch()
    assert len(await read_notifications(redis)) == 1
    assert rest_service.reported_run_ids == [run_id]


async def test_nothing_is_claimed_without_a_bot(
    dispatcher: Dispatcher, rest_service: FakeRestService, redis: Redis
) -> None:
    run_id = rest_service.add_run("stretch")
    with structlog.testing.capture_logs() as lines:
        assert await dispatcher.dispatch() == DispatchResult(NO_BOT_RETRY_DELAY)
        assert await dispatcher.dispatch() == DispatchResult(NO_BOT_RETRY_DELAY)
    assert [line["log_level"] for line in lines] == ["info"]
    assert rest_service.claim_count == 0

    await redis.set(ACTIVE_BOT_KEY, BotIdentity(id=42, username="a_bot").model_dump_json())
    await dispatcher.dispatch()
    assert len(await read_notifications(redis)) == 1
    assert rest_service.reported_run_ids == [run_id]


async def test_result_names_the_dispatched_jobs_and_the_time_of_the_claim(
    dispatcher: Dispatcher, rest_service: FakeRestService, bot: BotIdentity
) -> None:
    rest_service.frozen_at = datetime(2031, 1, 1, 9, tzinfo=UTC)
    rest_service.add_run("stretch")
    job_id = str(rest_service.runs[0].claimed_run.job_id)

    assert await dispatcher.dispatch() == DispatchResult(
        None, rest_service.frozen_at, has_more=False, job_ids=frozenset({job_id})
    )


async def test_full_claim_is_followed_by_another_immediately(
    dispatcher: Dispatcher, rest_service: FakeRestService, redis: Redis, bot: BotIdentity
) -> None:
    for number in range(101):
        rest_service.add_run(str(number))

    first, second = await dispatcher.dispatch(), await dispatcher.dispatch()
    assert (first.next_delay, first.has_more) == (NO_DELAY, True)
    assert (second.next_delay, second.has_more) == (None, False)
    assert [message.text for message in await read_notifications(redis)] == [
        str(number) for number in range(101)
    ]


@pytest.mark.parametrize(
    "clock_ahead", [timedelta(days=-3), timedelta(), timedelta(days=3)], ids=str
)
async def test_next_delay_does_not_depend_on_clock_difference(
    dispatcher: Dispatcher, rest_service: FakeRestService, bot: BotIdentity, clock_ahead: timedelta
) -> None:
    rest_service.clock_ahead = clock_ahead
    assert (await dispatcher.dispatch()).next_delay is None
    rest_service.add_run("later", in_seconds=3600)

    next_delay = (await dispatcher.dispatch()).next_delay
    assert next_delay is not None
    assert timedelta(minutes=59) < next_delay <= timedelta(hours=1)


async def test_contended_claim_is_retried_with_delay(
    rest_service: FakeRestService, redis_client: RedisClient, bot: BotIdentity
) -> None:
    now = rest_service.now()

    class ContendedRestClient(RestClient):
        def __init__(self) -> None:
            pass

        async def claim(self, bot_id: int) -> ClaimedRuns:
            return ClaimedRuns(runs=[], next_fire_at=now - timedelta(seconds=1), now=now)

    assert await Dispatcher(ContendedRestClient(), redis_client).dispatch() == DispatchResult(
        CONTENDED_RETRY_DELAY, now, has_more=True
    )


async def test_late_reminder_says_how_many_times_were_missed(
    dispatcher: Dispatcher, rest_service: FakeRestService, redis: Redis, bot: BotIdentity
) -> None:
    since = rest_service.now() - timedelta(days=3)
    rest_service.add_run("stretch", missed_count=3, first_missed_at=since)
    await dispatcher.dispatch()

    (message,) = await read_notifications(redis)
    assert (message.missed_count, message.first_missed_at) == (3, since)
    assert not message.is_report


async def test_skipped_prompt_is_reported_to_the_user_but_not_executed(
    dispatcher: Dispatcher, rest_service: FakeRestService, redis: Redis, bot: BotIdentity
) -> None:
    since = rest_service.now() - timedelta(days=1)
    run_id = rest_service.add_run(
        "weather", type="prompt", is_skipped=True, missed_count=1, first_missed_at=since
    )
    await dispatcher.dispatch()

    (message,) = await read_notifications(redis)
    assert (message.id, message.text, message.is_report) == (f"run:{run_id}", "weather", True)
    assert (message.missed_count, message.first_missed_at) == (1, since)
    assert await read_prompts(redis) == []
    assert rest_service.reported_run_ids == [run_id]


async def test_prompt_after_missed_times_is_executed_and_reported(
    dispatcher: Dispatcher, rest_service: FakeRestService, redis: Redis, bot: BotIdentity
) -> None:
    since = rest_service.now() - timedelta(days=2)
    run_id = rest_service.add_run("weather", type="prompt", missed_count=2, first_missed_at=since)
    await dispatcher.dispatch()

    (report,), (prompt,) = await read_notifications(redis), await read_prompts(redis)
    assert prompt.id == f"run:{run_id}"
    assert (report.id, report.run_id, report.is_report) == (f"missed:{run_id}", run_id, True)
    assert (report.missed_count, report.first_missed_at) == (2, since)
    assert report.correlation_id == prompt.id


class BarrierMailbox(Mailbox):
    """Answers only when so many messages have come."""

    def __init__(self, redis: Redis, count: int) -> None:
        super().__init__(redis, "to_telegram")
        self._barrier = asyncio.Barrier(count)

    async def enqueue(self, *envelopes: Envelope) -> list[bool]:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await self._barrier.wait()
        return await super().enqueue(*envelopes)


async def test_runs_of_all_chats_are_sent_before_the_first_answer(
    rest_client: RestClient, rest_service: FakeRestService, redis: Redis, bot: BotIdentity
) -> None:
    for chat_id in range(20):
        rest_service.add_run("stretch", chat_id=chat_id)
    redis_client = RedisClient(
        redis, redis, BarrierMailbox(redis, 20), Mailbox(redis, "to_secretary")
    )
    await Dispatcher(rest_client, redis_client).dispatch()

    assert len(rest_service.reported_run_ids) == 20


class RefusingMailbox(Mailbox):
    """Fails for one text."""

    async def enqueue(self, *envelopes: Envelope) -> list[bool]:
        if '"text":"b"' in envelopes[0].payload:
            raise RedisConnectionError("away")
        return await super().enqueue(*envelopes)


async def test_failed_run_holds_back_later_ones_of_its_chat_only(
    rest_client: RestClient, rest_service: FakeRestService, redis: Redis, bot: BotIdentity
) -> None:
    for text in "abc":
        rest_service.add_run(text)
    rest_service.add_run("of another chat", chat_id=CHAT_ID + 1)
    redis_client = RedisClient(
        redis, redis, RefusingMailbox(redis, "to_telegram"), Mailbox(redis, "to_secretary")
    )
    with pytest.raises(RedisConnectionError):
        await Dispatcher(rest_client, redis_client).dispatch()

    assert [message.text for message in await read_notifications(redis)] == ["a"]
    assert await redis.llen(f"to_telegram:waiting:tg:42:{CHAT_ID + 1}") == 1
    assert rest_service.reported_run_ids == [], "all runs are handed out again"
