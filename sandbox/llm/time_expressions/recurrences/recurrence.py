"""What the kinds of recurrences have in common."""

from dataclasses import dataclass
from datetime import timedelta

from sandbox.llm.time_expressions.spans import Span

EVERY = r"(?:every|each|кажд(?:ый|ую|ое|ые|ого|ой))"
ADVERB = (
    r"(?=\s*(?:$|[,.!?:\d]"
    r"|(?:at|on|in|to|about|of|that|from|for|remind|ping|tell|send|give|show)\b))"
)
"""What may follow “daily” as an adverb; “the weekly report” is no recurrence."""
AT_TIME = "{minute} {hour}"
"""The fields of a cron line that the time of day fills in."""


@dataclass(frozen=True)
class Recurrence:
    """A cron line, perhaps with AT_TIME, or a rule; and its spans in the text."""

    spans: tuple[Span, ...]
    cron: str = ""
    rrule: str = ""
    """A rule of RFC 5545, for what cron cannot say."""
    part_hour: int | None = None
    """The hour of a part of the day (“every evening”)."""
    weekdays: tuple[int, ...] = ()
    """The weekdays of a rule; Monday is 0."""
    starts_after: timedelta | None = None
    """How long after now a rule of hours or minutes begins."""

    @property
    def has_time_of_day(self) -> bool:
        """Whether it comes at a time of day, and not again and again during the day."""
        return AT_TIME in self.cron if self.cron else self.starts_after is None
