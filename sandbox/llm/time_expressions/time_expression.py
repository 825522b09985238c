"""The time phrase of a text, resolved relative to the user's current time."""

from dataclasses import dataclass
from datetime import datetime

from sandbox.llm.time_expressions.spans import Span, blank_out
from sandbox.llm.time_expressions.time_of_day import TimeOfDay


@dataclass(frozen=True)
class TimeExpression:
    """One of `in_seconds`, `at` (the user's local time) and `cron` is set.

    `rrule` is a rule of RFC 5545, of which `at` is the first time.
    """

    phrase: str
    """The phrase as the user wrote it."""
    remaining_text: str
    """The text without the phrase."""
    in_seconds: int | None = None
    at: datetime | None = None
    cron: str | None = None
    rrule: str | None = None
    clock: TimeOfDay | None = None
    """The time of day; None if the text names none."""
    has_day: bool = True
    """False if the text names only a time of day."""

    @property
    def has_time(self) -> bool:
        """Whether the text names a time of day."""
        return self.clock is not None

    @property
    def is_recurring(self) -> bool:
        """Whether it comes again and again."""
        return self.cron is not None or self.rrule is not None


def separate_phrase(text: str, spans: tuple[Span, ...]) -> tuple[str, str]:
    """Return the text inside the spans, and the text without them."""
    phrase = " ".join(text[start:end].strip() for start, end in sorted(set(spans)))
    return phrase, " ".join(blank_out(text, spans).split()).strip(" ,")
