"""A clock that stands still."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from smart_kit.clock import Clock


class FrozenClock(Clock):
    """Shows a moment until a test sets another one."""

    def __init__(self, moment: datetime) -> None:
        super().__init__()
        self.moment = moment

    def now(self, zone: ZoneInfo | None = None) -> datetime:
        return self.moment.astimezone(zone or UTC)
