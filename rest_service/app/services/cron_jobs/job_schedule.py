"""The schedule of a job: checks of its fields, and its next fire."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit import local_time, schedule
from smart_kit.errors import InvalidRequest

from ...models import CronJob

MAX_LATENESS = timedelta(days=1)
"""A one-off up to a day late fires at once; an older time is taken for a mistake."""

SCHEDULE_FIELDS = ("at", "cron_expression")


async def get_database_now(session: AsyncSession) -> datetime:
    """Return the time of Postgres, the clock by which jobs are planned and claimed."""
    now: datetime = (await session.exec(select(func.clock_timestamp()))).one()
    return now


def set_schedule(row: CronJob, fields: dict[str, Any]) -> None:
    """Set `at` or `cron_expression`; the given one replaces the other.

    Raises InvalidRequest unless exactly one is set afterwards.
    """
    provided = [name for name in SCHEDULE_FIELDS if fields.get(name) is not None]
    chosen = (
        dict.fromkeys(SCHEDULE_FIELDS)
        if provided
        else {name: getattr(row, name) for name in SCHEDULE_FIELDS}
    )
    chosen |= {name: fields[name] for name in SCHEDULE_FIELDS if name in fields}
    if (chosen["at"] is None) == (chosen["cron_expression"] is None):
        raise InvalidRequest("Give exactly one of at and cron_expression.")
    if chosen["cron_expression"] is not None:
        schedule.check_cron_expression(chosen["cron_expression"])
    row.cron_expression = chosen["cron_expression"]
    row.at = chosen["at"] and local_time.to_utc(chosen["at"], row.timezone)


def set_next_fire(row: CronJob, now: datetime) -> None:
    """Set the next fire. Raises InvalidRequest if an active job would never fire."""
    if not row.is_active:
        row.next_fire_at = None
    elif row.at is not None:
        if now - row.at > MAX_LATENESS:
            raise InvalidRequest(f"{row.at.isoformat()} is more than a day ago.")
        row.next_fire_at = row.at
    else:
        row.next_fire_at = schedule.get_next_fire(str(row.cron_expression), row.timezone, now)


def has_fired(row: CronJob, now: datetime) -> bool:
    """Return whether the job is a one-off that has fired."""
    return row.at is not None and not row.is_active and row.at <= now
