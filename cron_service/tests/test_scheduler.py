"""Which jobs are held, and what happens at their times."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from cron_service.app import rest_client as rest_client_module
from cron_service.app import scheduler as scheduler_module
from cron_service.app.redis_client import RedisClient
from cron_service.app.rest_client import RestClient
from cron_service.app.scheduler import DEFAULT_TIMINGS
from cron_service.app.triggers import ScheduleTrigger
from cron_service.tests.fake_rest_service import FakeRestService
from cron_service.tests.running import wait_until
from cron_service.tests.scheduler_harness import IDLE_TIMINGS, Harness
from smart_kit.contracts.queue import BotIdentity
from smart_kit.errors import InvalidRequest, UpstreamUnavailable
from smart_kit.schedule import CronSchedule

SOON = 0.1


@pytest.fixture
def harness(rest_client: RestClient, redis_client: RedisClient, bot: BotIdentity) -> Harness:
    return Harness(rest_client, redis_client)


def get_job(rest_service: FakeRestService, number: int = 0) -> tuple[str, datetime]:
    """Return the id of a job and the time at which it is due."""
    run = rest_service.runs[number].claimed_run
    return str(run.job_id), run.scheduled_for


async def test_job_is_executed_at_its_time(harness: Harness, rest_service: FakeRestService) -> None:
    rest_service.add_run("stretch", in_seconds=SOON)
    job = get_job(rest_service)
    async with harness.run() as scheduler:
        assert scheduler.executed == []
        await wait_until(lambda: scheduler.executed == [job])

        assert rest_service.now() >= job[1]
        assert rest_service.claim_count == 0, "the harness claims nothing"


async def test_overdue_job_is_executed_at_once(
    harness: Harness, rest_service: FakeRestService
) -> None:
    rest_service.add_run("stretch", in_seconds=-86_400)
    async with harness.run() as scheduler:
        await wait_until(lambda: scheduler.executed == [get_job(rest_service)])


async def test_jobs_of_the_next_two_minutes_are_read(
    harness: Harness, rest_service: FakeRestService
) -> None:
    harness.clock.offset = timedelta(days=1)
    async with harness.run():
        (query,) = rest_service.lists

    read_ahead = datetime.fromisoformat(query["due_before"]) - harness.clock.now()
    assert timedelta(seconds=60) < read_ahead <= timedelta(seconds=120)
    assert query["bot_id"] == "42"


async def test_jobs_of_one_time_share_a_claim(
    harness: Harness, rest_service: FakeRestService
) -> None:
    at = rest_service.now() + timedelta(seconds=0.2)
    for _ in range(50):
        rest_service.add_run("stretch", scheduled_for=at)
    async with harness.run() as scheduler:
        await wait_until(lambda: harness.dispatch.count == 2)  # the start, and the first refresh
        assert scheduler.executed == []
        await wait_until(lambda: len(scheduler.executed) == 50)
        await wait_until(lambda: harness.dispatch.count > 2)

    assert harness.dispatch.count == 3


async def test_each_refresh_is_followed_by_a_claim(
    harness: Harness, rest_service: FakeRestService
) -> None:
    async with harness.run() as scheduler:
        await wait_until(lambda: harness.dispatch.count >= 1)
        for _ in range(3):
            count = harness.dispatch.count
            await scheduler.refresh()
            await wait_until(lambda: harness.dispatch.count > count)  # noqa: B023 # ends at once

        rest_service.unavailable_paths = {"cron-jobs"}
        count = harness.dispatch.count
        scheduler.request_refresh()
        await wait_until(lambda: harness.dispatch.count > count)


async def test_unchanged_jobs_are_not_added_again(
    harness: Harness, rest_service: FakeRestService
) -> None:
    rest_service.add_run("stretch", in_seconds=60, cron="0 9 * * *")
    async with harness.run() as scheduler:
        await scheduler.refresh()
        await scheduler.refresh()

        assert scheduler.parsed == ["0 9 * * *"]


async def test_job_that_waits_for_its_claim_is_not_executed_again(
    harness: Harness, rest_service: FakeRestService
) -> None:
    harness.dispatch.error = UpstreamUnavailable("rest_service: connection refused")
    rest_service.add_run("stretch", in_seconds=-1)
    async with harness.run() as scheduler:
        await wait_until(lambda: len(scheduler.executed) == 1)
        await scheduler.refresh()
        rest_service.add_run("marker", in_seconds=-1)
        await scheduler.refresh()
        await wait_until(lambda: get_job(rest_service, 1) in scheduler.executed)

        assert scheduler.executed == [get_job(rest_service, 0), get_job(rest_service, 1)]


async def test_job_with_another_time_is_executed_at_that_time(
    harness: Harness, rest_service: FakeRestService
) -> None:
    rest_service.add_run("stretch", in_seconds=60)
    async with harness.run() as scheduler:
        run = rest_service.runs[0]
        at = rest_service.now() + timedelta(seconds=SOON)
        run.claimed_run = run.claimed_run.model_copy(update={"scheduled_for": at})
        scheduler.request_refresh()
        await wait_until(lambda: scheduler.executed == [get_job(rest_service)])


async def test_job_that_is_no_longer_listed_is_not_executed(
    harness: Harness, rest_service: FakeRestService
) -> None:
    rest_service.add_run("cancelled", in_seconds=SOON)
    rest_service.add_run("kept", in_seconds=2 * SOON)
    kept = get_job(rest_service, 1)
    async with harness.run() as scheduler:
        del rest_service.runs[0]
        await scheduler.refresh()
        await wait_until(lambda: bool(scheduler.executed))

        assert scheduler.executed == [kept]


async def test_failed_refresh_keeps_the_jobs(
    harness: Harness, rest_service: FakeRestService
) -> None:
    rest_service.add_run("stretch", in_seconds=SOON)
    async with harness.run() as scheduler:
        rest_service.unavailable_paths = {"cron-jobs"}
        scheduler.request_refresh()
        await wait_until(lambda: scheduler.executed == [get_job(rest_service)])


async def test_recurring_job_is_executed_at_the_times_of_its_trigger(
    harness: Harness, rest_service: FakeRestService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here twenty times a second, because no cron expression is quicker than a minute."""

    class QuickTrigger(ScheduleTrigger):
        def get_next_fire_time(
            self, previous_fire_time: datetime | None, now: datetime
        ) -> datetime | None:
            return (previous_fire_time or now) + timedelta(seconds=0.05)

    def parse(expression: str, zone: str) -> ScheduleTrigger:
        return QuickTrigger(CronSchedule(expression, zone), harness.clock)

    monkeypatch.setattr(harness.scheduler, "parse_cron_expression", parse)
    rest_service.add_run("stretch", in_seconds=SOON, cron="* * * * *")
    job_id, first = get_job(rest_service)
    async with harness.run() as scheduler:
        await wait_until(lambda: len(scheduler.executed) >= 2)

    assert scheduler.executed[0] == (job_id, first)
    assert scheduler.executed[1][0] == job_id
    assert (scheduler.executed[1][1] - first) % timedelta(seconds=0.05) == timedelta()


async def test_job_with_an_invalid_expression_is_executed_once_and_logged(
    harness: Harness, rest_service: FakeRestService
) -> None:
    rest_service.add_run("stretch", in_seconds=SOON, cron="daily")
    with structlog.testing.capture_logs() as lines:
        async with harness.run() as scheduler:
            await scheduler.refresh()
            await wait_until(lambda: scheduler.executed == [get_job(rest_service)])

    assert [line["event"] for line in lines] == ["cron expression invalid"]
    assert "'daily' is not a usable cron expression" in lines[0]["reason"]


@pytest.mark.parametrize(
    ("expression", "zone", "reason"),
    [
        ("0 9 * *", "UTC", "'0 9 * *' is not a usable cron expression: it does not have five"),
        ("99 9 * * *", "UTC", "'99 9 * * *' is not a usable cron expression: bad minute"),
        ("0 9 * * *", "Mars/Olympus", "'Mars/Olympus' is not an IANA time zone"),
        ("0 9 * * *", "America", "'America' is not an IANA time zone"),  # a folder of zones
        ("0 9 * * *", "x" * 300, "is not an IANA time zone"),
        ("0 9 * * *", "../etc", "'../etc' is not an IANA time zone"),
    ],
)
def test_invalid_expression_is_refused_with_the_reason(
    harness: Harness, expression: str, zone: str, reason: str
) -> None:
    with pytest.raises(InvalidRequest, match=reason.replace("*", r"\*")):
        harness.scheduler.parse_cron_expression(expression, zone)


def test_parsed_expression_is_a_trigger(harness: Harness) -> None:
    trigger = harness.scheduler.parse_cron_expression("30 8 * * 1-5", "Europe/Lisbon")
    friday = datetime(2026, 11, 27, 12, tzinfo=UTC)

    assert trigger.get_next_fire_time(None, friday) == datetime(2026, 11, 30, 8, 30, tzinfo=UTC)


async def test_job_of_tomorrow_is_executed_when_the_clock_moves(
    harness: Harness, rest_service: FakeRestService
) -> None:
    rest_service.add_run("stretch", in_seconds=86_400)
    job = get_job(rest_service)
    async with harness.run() as scheduler:
        harness.clock.offset = rest_service.clock_ahead = timedelta(days=1)
        scheduler.request_refresh()  # as on_move of the ClockFollower does
        await wait_until(lambda: scheduler.executed == [job])


async def test_held_job_follows_the_moved_clock(
    harness: Harness, rest_service: FakeRestService
) -> None:
    rest_service.add_run("stretch", in_seconds=60)
    job = get_job(rest_service)
    async with harness.run() as scheduler:
        harness.clock.offset = rest_service.clock_ahead = timedelta(seconds=60)
        scheduler.request_refresh()
        await wait_until(lambda: scheduler.executed == [job])


async def test_nothing_is_held_while_the_bot_is_unknown(
    rest_client: RestClient, redis_client: RedisClient, rest_service: FakeRestService
) -> None:
    rest_service.add_run("stretch", in_seconds=-1)
    harness = Harness(rest_client, redis_client)
    async with harness.run() as scheduler:
        await wait_until(lambda: harness.dispatch.count > 0)

        assert rest_service.lists == []
        assert scheduler.executed == []
        assert scheduler.health_error() is None
        assert scheduler.health_note() == "jobs wait until tg_bot says which bot it serves"


@pytest.mark.clock("virtual")
async def test_announcements_share_at_most_two_refreshes_a_second(
    rest_client: RestClient, redis_client: RedisClient, bot: BotIdentity
) -> None:
    harness = Harness(rest_client, redis_client, replace(DEFAULT_TIMINGS, pause_factor=0))
    async with harness.run() as scheduler:
        await asyncio.sleep(10)
        assert scheduler.refresh_count == 1
        scheduler.request_refresh()
        await asyncio.sleep(0.1)
        assert scheduler.refresh_count == 2, "the first is followed at once"
        for _ in range(100):
            scheduler.request_refresh()
            await asyncio.sleep(0.05)
        assert 10 <= scheduler.refresh_count - 2 <= 11


@pytest.mark.clock("virtual")
async def test_jobs_are_read_each_minute(
    rest_client: RestClient, redis_client: RedisClient, bot: BotIdentity
) -> None:
    harness = Harness(rest_client, redis_client, replace(DEFAULT_TIMINGS, pause_factor=0))
    async with harness.run() as scheduler:
        await asyncio.sleep(181)

        assert scheduler.refresh_count == 4


async def test_full_list_is_followed_by_another_when_its_last_job_is_due(
    rest_client: RestClient,
    redis_client: RedisClient,
    rest_service: FakeRestService,
    bot: BotIdentity,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (rest_client_module, scheduler_module):
        monkeypatch.setattr(module, "PAGE_SIZE", 1)
        monkeypatch.setattr(module, "MAX_PAGES", 1)
    harness = Harness(rest_client, redis_client, replace(IDLE_TIMINGS, min_interval=0.01))
    rest_service.add_run("first", in_seconds=SOON)
    rest_service.add_run("second", in_seconds=2 * SOON)
    second = get_job(rest_service, 1)
    async with harness.run() as scheduler:
        await wait_until(lambda: bool(scheduler.executed))
        del rest_service.runs[0]  # it was claimed

        await wait_until(lambda: scheduler.executed[-1] == second)


async def test_long_refresh_is_followed_by_a_longer_pause(
    rest_client: RestClient, redis_client: RedisClient, bot: BotIdentity
) -> None:
    harness = Harness(rest_client, redis_client, replace(IDLE_TIMINGS, pause_factor=1e6))
    async with harness.run() as scheduler:
        await wait_until(lambda: harness.dispatch.count == 2)  # the start, and the first refresh
        scheduler.request_refresh()
        await wait_until(lambda: harness.dispatch.count == 3)  # which names the next fire
        for _ in range(20):
            await asyncio.sleep(0)

        assert scheduler.refresh_count == 1


async def test_stopped_scheduler_executes_nothing(
    harness: Harness,
    rest_client: RestClient,
    redis_client: RedisClient,
    rest_service: FakeRestService,
) -> None:
    rest_service.add_run("stretch", in_seconds=2 * SOON)
    async with harness.run() as stopped:
        pass
    async with Harness(rest_client, redis_client).run() as running:
        await wait_until(lambda: running.executed == [get_job(rest_service)])
        await asyncio.sleep(0)

    assert stopped.executed == []
