"""From a claim to the queues, with failures in between."""

from datetime import timedelta

import pytest
import structlog

from cron_service.app.dispatcher import CONTENDED_RETRY_DELAY, NO_BOT_RETRY_DELAY, Dispatcher
from cron_service.app.redis_client import RedisClient
from cron_service.app.rest_client import RestClient
from cron_service.tests.fake_rest_service import CHAT_ID, TELEGRAM_ID, FakeRestService
from cron_service.tests.queue_reader import read_notifications, read_prompts
from smart_kit.contracts.cron_jobs import ClaimedRuns
from smart_kit.contracts.keys import ACTIVE_BOT_KEY
from smart_kit.contracts.queue import BotIdentity
from smart_kit.errors import UpstreamUnavailable
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
    run_id = rest_service.add_run("look up the weather", kind="prompt")
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
        assert await dispatcher.dispatch() == NO_BOT_RETRY_DELAY
        assert await dispatcher.dispatch() == NO_BOT_RETRY_DELAY
    assert [line["log_level"] for line in lines] == ["info"]
    assert rest_service.claim_count == 0

    await redis.set(ACTIVE_BOT_KEY, BotIdentity(id=42, username="a_bot").model_dump_json())
    assert await dispatcher.dispatch() is None
    assert len(await read_notifications(redis)) == 1
    assert rest_service.reported_run_ids == [run_id]


async def test_full_claim_is_followed_by_another_immediately(
    dispatcher: Dispatcher, rest_service: FakeRestService, redis: Redis, bot: BotIdentity
) -> None:
    for number in range(101):
        rest_service.add_run(str(number))

    assert await dispatcher.dispatch() == NO_DELAY
    assert await dispatcher.dispatch() is None
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
    assert await dispatcher.dispatch() is None
    rest_service.add_run("later", in_seconds=3600)

    next_delay = await dispatcher.dispatch()
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

    assert await Dispatcher(ContendedRestClient(), redis_client).dispatch() == CONTENDED_RETRY_DELAY
