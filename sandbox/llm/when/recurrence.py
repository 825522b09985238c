"""“every day at 9”, “по будням в 8:30”, “every 15 minutes”, as five cron fields."""

import re
from dataclasses import dataclass

from sandbox.llm.when.clock import Clock
from sandbox.llm.when.words import NUMBER, WEEKDAY, day_part_hour, number, unit_seconds, weekday

_EVERY = r"(?:every|each|кажд(?:ый|ую|ое|ые|ого))"
_STEP = re.compile(
    rf"\b{_EVERY}\s+(?:(?P<number>{NUMBER})\s+)?"
    r"(?P<unit>minutes?|mins?|hours?|минут\w*|час(?:а|ов)?)\b"
    r"|\b(?P<hourly>hourly|ежечасно)\b",
    re.IGNORECASE,
)
_WEEKDAYS = re.compile(
    rf"\b(?:(?:on|{_EVERY})\s+(?:weekdays?|workdays?|working days?|будний день|будни|рабочий день)"
    r"|по будням|по рабочим дням)\b",
    re.IGNORECASE,
)
_WEEKEND = re.compile(
    rf"\b(?:(?:on|{_EVERY})\s+(?:weekends?|выходн\w+)|по выходным)\b", re.IGNORECASE
)
_NAMED = re.compile(
    rf"\b(?:{_EVERY}|по|on)\s+(?P<first>{WEEKDAY})\b"
    rf"(?P<more>(?:\s*(?:,|and|и)\s*(?:по\s+)?(?:{WEEKDAY})\b)*)",
    re.IGNORECASE,
)
_MONTHLY = re.compile(
    rf"\b(?:{_EVERY}\s+(?P<day>\d{{1,2}})(?:-?[её]|-?го)?\s+числ\w+"
    rf"|(?:{_EVERY}\s+(?:month|месяц)|monthly|ежемесячно)"
    r"(?:\s+(?:on the|on)?\s*(?P<day2>\d{1,2})(?:st|nd|rd|th|-?го)?(?:\s+числ\w+)?)?)(?!\w)",
    re.IGNORECASE,
)
_WEEKLY = re.compile(rf"\b(?:{_EVERY}\s+(?:week|неделю)|weekly|еженедельно)\b", re.IGNORECASE)
_DAILY = re.compile(
    rf"\b(?:{_EVERY}\s+(?:day|morning|afternoon|evening|night|день|утро|вечер|ночь)"
    r"|daily|ежедневно|по утрам|по вечерам)\b(?:\s+(?:утром|днём|вечером))?",
    re.IGNORECASE,
)
_PLURAL_OR_EVERY = re.compile(rf"^(?:{_EVERY}|по)\s|s\b", re.IGNORECASE)


@dataclass(frozen=True)
class Recurrence:
    """The three day fields of cron, or a whole line; the spans where it is said."""

    days: str
    spans: tuple[tuple[int, int], ...]
    line: str = ""
    hour: int = 9

    def cron(self, clock: Clock | None) -> str:
        """Five fields; without a time of day at nine, or at the hour of the part of the day."""
        if self.line:
            return self.line
        if clock is None:
            return f"0 {self.hour} {self.days}"
        return f"{clock.minute} {clock.within(self.hour).hour} {self.days}"


def find_recurrence(text: str) -> Recurrence | None:
    """What a text says about repetition."""
    step = _STEP.search(text)
    if step:
        return _step(step)
    named = _NAMED.search(text)
    if named and _PLURAL_OR_EVERY.search(named[0]):
        names = re.findall(rf"\b(?:{WEEKDAY})\b", named[0], re.IGNORECASE)
        numbers = sorted({(weekday(name) + 1) % 7 for name in names})
        return Recurrence(f"* * {','.join(map(str, numbers))}", (named.span(),))
    for pattern, days in ((_WEEKDAYS, "* * 1-5"), (_WEEKEND, "* * 0,6"), (_WEEKLY, "* * 1")):
        found = pattern.search(text)
        if found:
            return Recurrence(days, (found.span(),))
    monthly = _MONTHLY.search(text)
    if monthly:
        return Recurrence(f"{monthly['day'] or monthly['day2'] or 1} * *", (monthly.span(),))
    daily = _DAILY.search(text)
    if daily:
        hour = day_part_hour(daily[0].replace("утрам", "утром").replace("вечерам", "вечером"))
        return Recurrence("* * *", (daily.span(),), hour=hour or 9)
    return None


def _step(found: re.Match[str]) -> Recurrence:
    count = number(found["number"]) if found["number"] else 1
    is_hours = bool(found["hourly"]) or unit_seconds(found["unit"]) == 3600
    every = "*" if count == 1 else f"*/{count}"
    line = f"0 {every} * * *" if is_hours else f"{every} * * * *"
    return Recurrence("", (found.span(),), line=line)
