"""Parts of a request that look like a time, but were not understood: “on 5/12”, “except Friday”."""

import re

from sandbox.llm.time_expressions.vocabulary import (
    MONTH_PATTERN,
    NUMBER_PATTERN,
    UNIT_PATTERN,
    WEEKDAY_PATTERN,
)

_DATE = (
    rf"\d{{1,2}}(?:st|nd|rd|th|-?го)?\s+(?:of\s+)?(?:{MONTH_PATTERN})\b|(?:{MONTH_PATTERN})\s+\d{{1,2}}\b"
    r"|\d{4}-\d\d-\d\d\b|\d{1,2}[./]\d{1,2}(?:[./]\d{2,4})?(?![\w/])|\d{1,2}(?:st|nd|rd|th)\b"
    r"|\d{1,2}(?:-?го)?\s+числ\w+"
)
_CLOCK = r"\d{1,2}:\d\d\b|\d{1,2}\s*(?:[ap]\.?m\b|утра\b|дня\b|вечера\b|ночи\b)"
_DAY_PART = (
    r"(?:mornings?|afternoons?|evenings?|nights?|tonight|noon|midnight"
    r"|утром|днём|вечером|ночью|утро|вечер|ночь|утрам|вечерам|ночам)\b"
)
_RHYTHM = (
    r"(?:every|each|twice|weekdays|workdays|weekends|daily|weekly|monthly|yearly"
    r"|кажд\w+|ежедневно|еженедельно|ежемесячно|дважды|по будням|по выходным)\b"
    r"|\w+ (?:times an?\b|раза? в\b)"
)
_DURATION = rf"(?:(?:an? )?half an hour|полчаса|(?:{NUMBER_PATTERN})\s+(?:{UNIT_PATTERN}))\b"
_LIMIT = (
    r"(?:until|till|except|excluding|starting|but not|до|кроме|за исключением|начиная)\s+"
    rf"(?:(?:on|for|from|the|с|по)\s+)*(?:{WEEKDAY_PATTERN}|{MONTH_PATTERN}|{_DATE}|\d|tomorrow"
    r"|weekends?|end\b|завтра|выходн\w+|конца\b)"
)
_PREPOSITIONS = r"(?:(?:on|at|by|before|from|in|in the|в|во|к|ко|с|по|на)\s+)*"
_AT_START = re.compile(
    rf"(?i)^[\s,]*(?:(?:and|и|please|пожалуйста)[\s,]+)*(?P<unclear>{_PREPOSITIONS}"
    rf"(?:{_DATE}|{_CLOCK}|{_DAY_PART}|{_RHYTHM}|{_DURATION}|{_LIMIT}|(?:{WEEKDAY_PATTERN})\b"
    r"|(?<=at )\d+\b|(?<=в )\d+\b|(?<=and )\d+\b|(?<=и )\d+\b"
    r"|(?:tomorrow|today|завтра|сегодня)\b))"
)
_AT_END = re.compile(
    rf"(?i)(?:(?:,|\band|\bи)\s+(?P<further>{_PREPOSITIONS}(?:{_CLOCK}|{_DAY_PART}|\d{{1,2}}))"
    rf"|\b(?P<limit>{_LIMIT})[^,.]{{0,20}})[\s.!?]*$"
)
_LONE_DATE = re.compile(rf"(?i)(?<!\bfor )(?<!\bof )(?<!\bна )(?<!\bот )\b(?P<unclear>{_DATE})")
_TIMES_A_DAY = re.compile(
    r"(?i)\b(?:twice|(?!once)\w+ times) an? day\b|\b(?:дважды|(?!один )\w+ раза?) в день\b"
)


def find_unclear_time(rest: str, *, has_day: bool) -> str:
    """Return what looks like a time in the rest of a request, from which the time that was
    understood is removed; else "". `has_day`: whether a day was understood.

    Later dates and times may belong to the subject: “to call Ann about the train at 15:00”.
    """
    if found := _AT_START.search(rest):
        return found["unclear"]
    if found := _AT_END.search(rest):
        return found["further"] or found["limit"]
    found = None if has_day else _LONE_DATE.search(rest)
    return found["unclear"] if found else ""


def find_missing_times(phrase: str, cron: str | None) -> str:
    """Return “twice a day” and the like in a phrase unless so many times were given; else ""."""
    found = _TIMES_A_DAY.search(phrase)
    return found[0] if found and "," not in (cron or "") else ""
