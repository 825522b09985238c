"""Recurrences by the month and the year: “last day of the month”, “каждое 10 число”."""

import re

from sandbox.llm.time_expressions import vocabulary
from sandbox.llm.time_expressions.day import NAMED_DATE_PATTERN, parse_day_of_month
from sandbox.llm.time_expressions.recurrences.recurrence import (
    ADVERB,
    AT_TIME,
    EVERY,
    Recurrence,
)
from sandbox.llm.time_expressions.spans import blank_out
from sandbox.llm.time_expressions.vocabulary import (
    HOUR_GENITIVE_PATTERN,
    ORDINAL_PATTERN,
    UNIT_PATTERN,
    WEEKDAY_PATTERN,
)

_EVERY_MONTH = re.compile(
    rf"(?i)\b(?:{EVERY} (?:month|месяц)|monthly{ADVERB}|ежемесячно|раз в месяц|once a month)\b"
)
_OF_MONTH = re.compile(
    rf"(?i)\b(?:(?:of|in) (?:the|{EVERY}) month"
    r"|(?:каждого )?(?<!\d )(?<!два )(?<!три )(?<!четыре )(?<!этого )(?<!следующего )месяца)\b"
)
_EVERY_YEAR = re.compile(
    rf"(?i)\b(?:{EVERY} (?:year|год|года)|(?:yearly|annually){ADVERB}|ежегодно|раз в год"
    r"|once a year)\b"
)
_ON = rf"(?:(?:on|в|во)\s+)?(?:(?:the|{EVERY})\s+)?"
_LAST = r"last|последн(?:ий|юю|ее)"
_NTH_WEEKDAY = re.compile(
    rf"(?i)\b{_ON}(?P<ordinal>{_LAST}|{ORDINAL_PATTERN})\s+(?P<weekday>{WEEKDAY_PATTERN})\b"
)
_LAST_DAY = re.compile(
    rf"(?i)\b{_ON}(?:{_LAST})\s+(?P<workday>(?:working|business|рабочий)\s+)?(?:day|день)\b"
    r"|\b(?:at the end|в конце)\b"
)
_NUMBER = rf"(?:\d{{1,2}}(?:st|nd|rd|th|-?го|-?[её])?|first|{HOUR_GENITIVE_PATTERN})"
_NUMBERS = rf"{_NUMBER}(?:\s*(?:,|and|и)\s*(?:on\s+)?(?:the\s+)?{_NUMBER})*"
_ORDINALS = r"\d{1,2}(?:st|nd|rd|th)(?:\s*(?:,|and)\s*(?:the\s+)?\d{1,2}(?:st|nd|rd|th))*"
_DAYS = re.compile(
    rf"(?i)\b(?:on\s+the|on|the)\s+(?P<en>{_NUMBERS})\b(?:\s+days?\b)?(?!\s*(?:[:.]\d|[ap]m))"
    rf"|\b(?:{EVERY}\s+)?(?P<ru>{_NUMBERS})\s+числ\w+"
    rf"|\b{EVERY}\s+(?P<every>{_ORDINALS})\b(?!\s+(?:{WEEKDAY_PATTERN}|{UNIT_PATTERN})\b)"
)
_REPEATED_DAYS = re.compile(r"(?i)(?:th|st|nd|rd)\b.*\b(?:and|,)|\d.* и .*числ|^кажд|^every")
_EVERY_DATE = re.compile(rf"(?i)\b{EVERY}\s+(?:{NAMED_DATE_PATTERN})")
_DATE = re.compile(rf"(?i)\b(?:{NAMED_DATE_PATTERN})")


def find_days_of_month(text: str) -> Recurrence | None:
    """Return the monthly or yearly recurrence that a text names, or None."""
    if yearly := _find_yearly(text):
        return yearly
    every_month = _EVERY_MONTH.search(text)
    month = _OF_MONTH.search(text) or every_month
    if day := _find_day_field(text, is_monthly=month is not None):
        field, span = day
        return Recurrence((span, month.span()) if month else (span,), f"{AT_TIME} {field}")
    return Recurrence((every_month.span(),), f"{AT_TIME} 1 * *") if every_month else None


def _find_day_field(text: str, *, is_monthly: bool) -> tuple[str, tuple[int, int]] | None:
    """Return the last three cron fields and the span of the days of a month, or None.

    Unless another phrase says that they are monthly, the days themselves must: “every 10th”.
    """
    if (nth := _NTH_WEEKDAY.search(text)) and (is_monthly or _is_first_of_month(nth)):
        weekday = (vocabulary.parse_weekday(nth["weekday"]) + 1) % 7
        if re.fullmatch(_LAST, nth["ordinal"].lower()):
            return f"* * {weekday}L", nth.span()
        return f"* * {weekday}#{vocabulary.parse_ordinal(nth['ordinal'])}", nth.span()
    if is_monthly and (last := _LAST_DAY.search(text)):
        return ("LW * *" if last["workday"] else "L * *"), last.span()
    days = _DAYS.search(text)
    if days is None or not (is_monthly or _REPEATED_DAYS.search(days[0])):
        return None
    names = re.findall(rf"(?i){_NUMBER}", days["en"] or days["ru"] or days["every"])
    numbers = sorted(set(map(parse_day_of_month, names)))
    return f"{','.join(map(str, numbers))} * *", days.span()


def _is_first_of_month(nth: re.Match[str]) -> bool:
    """Return whether it is “every first Monday”, unlike “every second Monday”."""
    ordinal = nth["ordinal"].lower()
    is_first = bool(re.fullmatch(_LAST, ordinal)) or vocabulary.parse_ordinal(ordinal) == 1
    return is_first and re.search(rf"(?i)\b{EVERY}\b", nth[0]) is not None


def _find_yearly(text: str) -> Recurrence | None:
    year = _EVERY_YEAR.search(text)
    named = _DATE.search(blank_out(text, (year.span(),))) if year else _EVERY_DATE.search(text)
    if named is None:
        return None
    day = named["day"] or named["day2"]
    month = vocabulary.parse_month(named["month"] or named["month2"])
    spans = (named.span(), year.span()) if year else (named.span(),)
    return Recurrence(spans, f"{AT_TIME} {parse_day_of_month(day)} {month} *")
