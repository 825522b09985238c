"""What the texts for a user depend on."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from .translations import Translation


@dataclass(frozen=True)
class TextContext:
    """The user's language and time zone, and the current time."""

    translation: Translation
    timezone: str
    """IANA name."""
    now: datetime
    """Aware."""

    def now_in(self, timezone: str) -> datetime:
        """Return the current local time of a zone."""
        return self.now.astimezone(ZoneInfo(timezone))
