"""The schedule of a job: checks of its fields, and its next fire."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSimError

from smart_kit import local_time
from smart_kit.errors import InvalidRequest
from smart_kit.schedule import CronSchedule, RruleSchedule, Schedule

from ...models import CronJob

MAX_LATENESS = timedelta(days=1)
"""A one-off up to a day late fires at once; an older time is taken for a mistake."""

MAX_RULE_AGE = timedelta(days=366)
"""Fires of a rule are computed from its start, so that an older start would take too long."""

MIN_PROMPT_INTERVAL = timedelta(minutes=15)
"""Each run of a prompt costs a model call."""

SCHEDULE_ERRORS = (CronSimError, InvalidRequest, *local_time.ZONE_ERRORS)
"""Raised for a stored schedule that was changed by hand, or whose zone exists no longer."""

SCHEDULE_FIELDS = ("at", "local_at", "cron_expression", "rrule")


def build_schedule(row: CronJob) -> Schedule | None:
    """Return the schedule of a recurring job; None for a one-off."""
    if row.rrule is not None:
        assert row.local_at is not None, "a rule has a start"
        return RruleSchedule(row.rrule, row.local_at, row.timezone)
    if row.cron_expression is not None:
        return CronSchedule(row.cron_expression, row.timezone)
    return None


def set_schedule(row: CronJob, fields: Mapping[str, Any], now: datetime) -> None:
    """Set the schedule from the given fields, which replace the former one.

    `rrule` alone keeps the start. Without fields, the times are computed again, for example in a
    new time zone. Raises InvalidRequest unless they make a one-off, a cron job or a rule.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    kept: set[str] = set() if given else set(SCHEDULE_FIELDS)
    if given.keys() == {"rrule"}:
        kept = {"at", "local_at"}
    current = {name: getattr(row, name) for name in kept - fields.keys()}
    chosen = dict.fromkeys(SCHEDULE_FIELDS) | current | given
    _check_kind(chosen)
    row.cron_expression, row.rrule = chosen["cron_expression"], chosen["rrule"]
    row.at, row.local_at = _resolve_start(chosen, row.timezone)
    plan = build_schedule(row)
    if plan is not None and given:
        if row.at is not None and now - row.at > MAX_RULE_AGE:
            raise InvalidRequest(f"A rule cannot start more than a year ago: {row.local_at}.")
        plan.check(now)
        _check_interval(row, plan, now)


def set_next_fire(row: CronJob, now: datetime) -> None:
    """Set the next fire. Raises InvalidRequest if an active job would never fire."""
    plan = build_schedule(row)
    if not row.is_active:
        row.next_fire_at = None
    elif plan is not None:
        row.next_fire_at = plan.get_next_fire(now)
    else:
        assert row.at is not None, "a one-off has a time"
        if now - row.at > MAX_LATENESS:
            raise InvalidRequest(f"{row.at.isoformat()} is more than a day ago.")
        row.next_fire_at = row.at


def update_next_fire(row: CronJob, now: datetime) -> None:
    """Set the next fire again, for the same local times in another zone or after a pause.

    A job that is due stays so: that fire must not be missed silently. A planned one-off fires at
    once if its time is over, however long. Raises as `set_next_fire`.
    """
    planned = row.next_fire_at if row.is_active else None
    if planned is None or (planned > now and build_schedule(row) is not None):
        set_next_fire(row, now)
    elif planned > now:
        row.next_fire_at = row.at


def has_fired(row: CronJob, now: datetime) -> bool:
    """Return whether the job is a one-off that has fired."""
    return (
        build_schedule(row) is None and not row.is_active and row.at is not None and row.at <= now
    )


def _check_kind(chosen: Mapping[str, Any]) -> None:
    has_start = chosen["at"] is not None or chosen["local_at"] is not None
    if chosen["rrule"] is not None and not has_start:
        raise InvalidRequest("rrule needs at, the time at which it starts.")
    if has_start == (chosen["cron_expression"] is not None):
        raise InvalidRequest("Give exactly one of at and cron_expression.")


def _resolve_start(chosen: Mapping[str, Any], zone: str) -> tuple[datetime | None, datetime | None]:
    """Return the instant, and the local time unless only the instant counts."""
    at, local_at = chosen["at"], chosen["local_at"]
    if local_at is None and at is not None and at.tzinfo is None:
        local_at = at
    if local_at is not None:
        return local_time.to_utc(local_at, zone), local_at
    if at is None:
        return None, None
    at = local_time.to_utc(at, zone)
    if chosen["rrule"] is not None:  # a rule follows local time
        local_at = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return at, local_at


def _check_interval(row: CronJob, plan: Schedule, now: datetime) -> None:
    """Raise InvalidRequest for a prompt that would run too often."""
    shortest = plan.find_shortest_interval(now) if row.type == "prompt" else None
    if shortest is not None and shortest < MIN_PROMPT_INTERVAL:
        minutes = int(MIN_PROMPT_INTERVAL.total_seconds() // 60)
        raise InvalidRequest(
            f"A scheduled request may run every {minutes} minutes at most; reminders may come every"
            " minute."
        )
