"""Recurrence rules of RFC 5545, for what cron cannot say: every second Friday, every 90 minutes.

A rule counts from its start. Rules of days and longer periods are computed in local time: a time
that a clock change skips becomes the first valid instant after the gap, and of a time that occurs
twice the first is meant. Rules of hours and minutes count elapsed time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count as count_up
from itertools import dropwhile, groupby, islice, takewhile
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from smart_kit import local_time
from smart_kit.errors import InvalidRequest

from .base import Schedule

_UNITS = {"MINUTELY": timedelta(minutes=1), "HOURLY": timedelta(hours=1)}
_DAY_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_WEEKDAY = r"(?:MO|TU|WE|TH|FR|SA|SU)"
_PART_PATTERNS = {
    "FREQ": "|".join((*_UNITS, *_DAY_FREQUENCIES)),
    "INTERVAL": r"[1-9]\d{0,3}",
    "COUNT": r"[1-9]\d{0,3}",
    "UNTIL": r"\d{8}(?:T\d{6}Z?)?",
    "WKST": _WEEKDAY,
}
_DAY_PART_PATTERNS = {
    "BYMONTH": r"[1-9]|1[0-2]",
    "BYMONTHDAY": r"-?(?:[1-9]|[12]\d|3[01])",
    "BYDAY": rf"(?:[-+]?[1-5])?{_WEEKDAY}",
    "BYSETPOS": r"-?[1-9]\d?",
    "BYHOUR": r"1?\d|2[0-3]",
    "BYMINUTE": r"[1-5]?\d",
}
"""Parts of rules of days and longer periods: lists separated by commas."""
_SUPPORTED_DAY_PARTS = {
    "DAILY": {"BYHOUR", "BYMINUTE", "BYDAY", "BYMONTH"},
    "WEEKLY": {"BYHOUR", "BYMINUTE", "BYDAY", "BYMONTH"},
    "MONTHLY": set(_DAY_PART_PATTERNS),
    "YEARLY": set(_DAY_PART_PATTERNS),
}
"""Rules of days and weeks have only parts with which they fire within a year. dateutil searches
until the year 9999, which takes seconds for a day that never comes, but is quick for months."""
_UNIQUE_INTERVAL_PARTS = {"DAILY": ("BYDAY", "BYMONTH"), "WEEKLY": ("BYMONTH",)}
"""Parts that exclude an interval, because together they may never fire."""

_MAX_FIRES_A_DAY = 24
_HORIZON = timedelta(days=366 * 10)
"""A rule whose next fire is farther away never fires."""

_MAX_CLOCK_CHANGE = timedelta(days=2)
"""Local times that are earlier by more than this are earlier instants: zones have skipped a day."""


@dataclass(frozen=True)
class RruleSchedule(Schedule):
    """A recurrence rule, for example `FREQ=WEEKLY;INTERVAL=2;BYDAY=FR`, in an IANA zone."""

    rule: str
    start: datetime
    """Local time without an offset, from which the rule counts (DTSTART)."""
    zone: str

    @property
    def follows_local_time(self) -> bool:
        """False for a rule of hours or minutes."""
        return self._unit is None

    def check(self, now: datetime) -> None:
        """Raise InvalidRequest, with the reason, if it is invalid or never fires after `now`."""
        if (error := self._find_error()) is None and self.get_next_fire(now) is None:
            error = "it never fires"
        if error is not None:
            raise InvalidRequest(
                f"{self.rule!r} is not a usable recurrence rule: {error}. A rule is written like"
                " FREQ=WEEKLY;INTERVAL=2;BYDAY=FR for every second Friday."
            )

    def iter_fires(self, after: datetime) -> Iterator[datetime]:
        """Yield the fire times later than the aware `after`, oldest first."""
        fires = self._iter_elapsed(after) if self._unit else self._iter_local(after)
        until = self._until
        in_time = fires if until is None else takewhile(lambda fire: fire <= until, fires)
        limit = int(self._parts["COUNT"]) if "COUNT" in self._parts else None
        return dropwhile(lambda fire: fire <= after, islice(in_time, limit))

    def list_fires_between(self, first: datetime, last: datetime, limit: int) -> list[datetime]:
        """Return the newest `limit` fire times from `first` to `last`, oldest first."""
        fires = self.iter_fires(first - timedelta(microseconds=1))
        return list(takewhile(lambda fire: fire <= last, fires))[-limit:]

    @cached_property
    def _parts(self) -> dict[str, str]:
        """The parts of the rule by name, in upper case."""
        text = self.rule.upper().strip().removeprefix("RRULE:").rstrip(";")
        return dict(part.split("=", 1) for part in text.split(";") if "=" in part)

    @property
    def _unit(self) -> timedelta | None:
        """The unit of a rule of hours or minutes."""
        return _UNITS.get(self._parts["FREQ"])

    @cached_property
    def _until(self) -> datetime | None:
        """The last possible fire, in UTC. RFC 5545 has UTC here; models write local times, too."""
        text = self._parts.get("UNTIL")
        if text is None:
            return None
        if text.endswith("Z"):
            return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        local = datetime.strptime(text if "T" in text else f"{text}T235959", "%Y%m%dT%H%M%S")
        return local_time.to_utc(local, self.zone)

    def _find_error(self) -> str | None:
        text = self.rule.upper().strip().removeprefix("RRULE:").rstrip(";")
        names = [part.partition("=")[0] for part in text.split(";")]
        if len(names) != len(set(names)) or "FREQ" not in self._parts:
            return "it needs FREQ, and each part only once"
        for name in ("FREQ", *names):
            if (error := self._find_error_in_part(name)) is not None:
                return error
        return self._find_contradiction()

    def _find_error_in_part(self, name: str) -> str | None:
        pattern = _PART_PATTERNS.get(name)
        if name in _SUPPORTED_DAY_PARTS.get(self._parts["FREQ"], ()):
            one = _DAY_PART_PATTERNS[name]
            pattern = rf"(?:{one})(?:,(?:{one})){{0,60}}"
        if pattern is None:
            return f"{name[:20] or 'an empty part'} is not supported here"
        return (
            None
            if re.fullmatch(pattern, self._parts.get(name, ""), re.ASCII)
            else f"{name} has no valid value"
        )

    def _find_contradiction(self) -> str | None:
        times = (self._parts.get(name, "").count(",") + 1 for name in ("BYHOUR", "BYMINUTE"))
        hours, minutes = times
        if hours * minutes > _MAX_FIRES_A_DAY:
            return f"it fires more than {_MAX_FIRES_A_DAY} times a day"
        if "COUNT" in self._parts and "UNTIL" in self._parts:
            return "COUNT and UNTIL exclude each other"
        excluded = set(self._parts) & set(_UNIQUE_INTERVAL_PARTS.get(self._parts["FREQ"], ()))
        if excluded and self._parts.get("INTERVAL", "1") != "1":
            return f"{sorted(excluded)[0]} cannot be combined with INTERVAL here"
        is_numbered = re.search(r"\d", self._parts.get("BYDAY", "")) is not None
        if is_numbered and self._parts["FREQ"] not in ("MONTHLY", "YEARLY"):
            return "numbered days in BYDAY need FREQ=MONTHLY or FREQ=YEARLY"
        try:
            _ = self._until
        except ValueError:
            return "UNTIL has no valid value"
        return None

    def _iter_elapsed(self, after: datetime) -> Iterator[datetime]:
        """Yield the fires of a rule of hours or minutes, beginning shortly before `after`."""
        assert self._unit is not None
        step = self._unit * int(self._parts.get("INTERVAL", 1))
        start = local_time.to_utc(self.start, self.zone)
        # with COUNT, each fire since the start counts
        first = 0 if "COUNT" in self._parts else max(0, (after - start) // step)
        return (start + step * number for number in count_up(first))

    def _iter_local(self, after: datetime) -> Iterator[datetime]:
        """Yield the fires of a rule of days and longer periods, beginning before `after`."""
        parts = {k: v for k, v in self._parts.items() if k not in ("COUNT", "UNTIL")}
        text = ";".join(f"{name}={value}" for name, value in parts.items())
        now = after.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        rule = rrulestr(f"{text};UNTIL={now + _HORIZON:%Y%m%dT%H%M%S}", dtstart=self.start)
        # with COUNT, each fire since the start counts; others need not be converted
        times = rule if "COUNT" in self._parts else rule.xafter(now - _MAX_CLOCK_CHANGE)
        fires = (local_time.to_first_valid_utc(local, self.zone) for local in times)
        return (fire for fire, _ in groupby(fires))  # two times in one gap are one fire
