"""The clock for everything users see: schedules, `get_time`, "today" and receipts.

It is real time plus an offset that only the sandbox may set, and only forward. Leases, back-off,
rate limits and time-outs use real time instead.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


class Clock:
    """Real time, moved forward by `offset`."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self, zone: ZoneInfo | None = None) -> datetime:
        """Return the aware time, in UTC unless a zone is given."""
        return (datetime.now(UTC) + self.offset).astimezone(zone or UTC)
