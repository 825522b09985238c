"""The clock that decides by a person's time: schedules, `get_time`, "today", receipts.

Real time plus an offset that only the sandbox may set, forward only. Leases, back-off, rate limits
and time-outs never ask it: they run on real time.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


class Clock:
    """Real time, moved forward by `offset`."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self, zone: ZoneInfo | None = None) -> datetime:
        """The aware time in UTC, or in the given zone."""
        return (datetime.now(UTC) + self.offset).astimezone(zone or UTC)
