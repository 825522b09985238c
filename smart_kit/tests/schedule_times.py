"""A zone whose clock changes, and instants, for tests of schedules."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

BERLIN = (
    "Europe/Berlin"  # 2026: clocks go forward on 29 March at 02:00, back on 25 October at 03:00
)


def to_utc(zone: str, text: str, fold: int = 0) -> datetime:
    """Convert to UTC, because Python treats a time in a fold as unequal to times of other zones."""
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return moment.astimezone(UTC)


def parse_utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
