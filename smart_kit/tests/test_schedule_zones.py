"""A daily job fires once on each local day, in all zones, also when clocks change."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

import pytest

from smart_kit.schedule import CronSchedule, RruleSchedule

TIMES = [time(0, 0), time(0, 30), time(1, 30), time(2, 0), time(2, 30), time(3, 0), time(23, 30)]
YEAR = 2026


def list_clock_changes(zone: ZoneInfo) -> Iterator[date]:
    """Yield the local days of the year that do not have 24 hours, or end on another offset."""
    day = date(YEAR, 1, 1)
    while day.year == YEAR:
        midnights = [
            datetime.combine(day + timedelta(days=ahead), time(), zone).utcoffset()
            for ahead in (0, 1)
        ]
        if len(set(midnights)) > 1:
            yield day
        day += timedelta(days=1)


@pytest.fixture(scope="module")
def changes() -> list[tuple[str, date]]:
    """The clock changes of all zones: the name of the zone, and the local day."""
    zones = sorted(available_timezones())
    return [(name, day) for name in zones for day in list_clock_changes(ZoneInfo(name))]


def test_changes_of_all_zones_are_found(changes: list[tuple[str, date]]) -> None:
    zones = {name for name, _ in changes}

    assert len(zones) > 150
    assert ("Europe/Berlin", date(YEAR, 3, 29)) in changes
    assert {"Australia/Lord_Howe", "Antarctica/Troll", "America/Nuuk", "Asia/Beirut"} <= zones


@pytest.mark.parametrize("at", TIMES, ids=str)
def test_daily_job_fires_once_on_each_local_day(changes: list[tuple[str, date]], at: time) -> None:
    for name, day in changes:
        days = [day + timedelta(days=ahead) for ahead in (-1, 0, 1, 2)]
        after = datetime.combine(days[0], time(), ZoneInfo(name)).astimezone(UTC)
        after -= timedelta(microseconds=1)
        cron = CronSchedule(f"{at.minute} {at.hour} * * *", name)
        rule = RruleSchedule("FREQ=DAILY", datetime.combine(days[0], at), name)
        fires = list(islice(cron.iter_fires(after), len(days)))

        assert list(islice(rule.iter_fires(after), len(days))) == fires, (name, day)
        local = [fire.astimezone(ZoneInfo(name)) for fire in fires]
        for wanted, fire in zip(days, local, strict=True):
            slot = datetime.combine(wanted, at)
            late = fire.replace(tzinfo=None) - slot
            # in a gap it comes at the first valid time, which may be midnight of the next day
            assert timedelta() <= late <= timedelta(hours=2), (name, fire)
            assert late == timedelta() or not exists(slot, name), (name, fire)


def exists(local: datetime, name: str) -> bool:
    """Return whether a local time is not skipped."""
    zone = ZoneInfo(name)
    return local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local
