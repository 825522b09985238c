"""When APScheduler fires what the schedules say."""

from datetime import UTC, datetime, timedelta

import pytest
import structlog
from apscheduler.job import Job

from cron_service.app.triggers import InlineExecutor, ScheduleTrigger
from smart_kit.clock import Clock
from smart_kit.schedule import CronSchedule, RruleSchedule

HOUR = timedelta(hours=1)


def trigger_for(expression: str, zone: str, clock: Clock | None = None) -> ScheduleTrigger:
    return ScheduleTrigger(CronSchedule(expression, zone), clock or Clock())


def test_next_fire_follows_the_previous_one_and_the_present() -> None:
    trigger = trigger_for("0 * * * *", "UTC")
    now = datetime(2031, 1, 1, 9, 30, tzinfo=UTC)

    assert trigger.get_next_fire_time(None, now) == datetime(2031, 1, 1, 10, tzinfo=UTC)
    assert trigger.get_next_fire_time(now - 100 * HOUR, now) == datetime(2031, 1, 1, 10, tzinfo=UTC)
    assert trigger.get_next_fire_time(now + HOUR, now) == datetime(2031, 1, 1, 11, tzinfo=UTC)


def test_daily_job_fires_once_on_the_days_when_clocks_change() -> None:
    trigger = trigger_for("30 2 * * *", "Europe/Berlin")
    fires: list[datetime] = []
    for first in (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)):
        fire = trigger.get_next_fire_time(None, first)
        assert fire is not None
        fires += [fire, trigger.get_next_fire_time(fire, fire) or fire]

    assert fires == [
        datetime(2026, 3, 29, 1, tzinfo=UTC),  # 02:30 does not exist
        datetime(2026, 3, 30, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # 02:30 exists twice
        datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
    ]


def test_weekdays_are_those_of_cron() -> None:
    sunday = trigger_for("0 9 * * 0", "UTC").get_next_fire_time(None, datetime.now(UTC))

    assert sunday is not None
    assert sunday.isoweekday() == 7


def test_fires_follow_the_moved_clock_in_real_time() -> None:
    clock = Clock(timedelta(hours=5))
    trigger = trigger_for("0 12 * * *", "UTC", clock)
    now = datetime(2031, 1, 1, 6, 30, tzinfo=UTC)  # 11:30 on the clock

    assert trigger.get_next_fire_time(None, now) == datetime(2031, 1, 1, 7, tzinfo=UTC)
    clock.offset = timedelta(hours=6)  # 12:30
    assert trigger.get_next_fire_time(None, now) == datetime(2031, 1, 2, 6, tzinfo=UTC)


def test_schedule_that_has_ended_has_no_next_fire() -> None:
    schedule = RruleSchedule("FREQ=DAILY;COUNT=1", datetime(2026, 1, 1), "UTC")
    trigger = ScheduleTrigger(schedule, Clock())

    assert trigger.get_next_fire_time(None, datetime.now(UTC)) is None


def test_schedule_that_cannot_be_computed_is_logged_and_has_no_next_fire() -> None:
    """APScheduler would drop the fires of all jobs for an exception."""
    trigger = trigger_for("0 9 * * *", "No/Where")
    with structlog.testing.capture_logs() as lines:
        assert trigger.get_next_fire_time(None, datetime.now(UTC)) is None

    (line,) = lines
    assert line["event"] == "next fire unknown"
    assert "No/Where" in line["schedule"]


@pytest.mark.parametrize("fire_count", [1, 3])
def test_executor_calls_the_function_with_the_newest_time_on_the_clock(fire_count: int) -> None:
    calls: list[tuple[str, datetime]] = []
    executor = InlineExecutor(Clock(HOUR))
    first = datetime(2031, 1, 1, 9, tzinfo=UTC)

    def execute(job_id: str, scheduled_for: datetime) -> None:
        calls.append((job_id, scheduled_for))

    job = Job(None, id="a", func=execute, args=("a", first), kwargs={})
    executor.submit_job(job, [first + HOUR * number for number in range(fire_count)])

    assert calls == [("a", first + HOUR * fire_count)]
