"""Words for numbers, units, weekdays, months and parts of the day."""

import re

_NUMBER_WORDS = {
    1: "a an one один одну одна",
    2: "two couple два две пару",
    3: "three три",
    4: "four четыре",
    5: "five пять",
    6: "six шесть",
    7: "seven семь",
    8: "eight восемь",
    9: "nine девять",
    10: "ten десять",
    11: "eleven одиннадцать",
    12: "twelve двенадцать",
    15: "fifteen пятнадцать",
    20: "twenty двадцать",
    25: "twenty-five",
    30: "thirty тридцать",
    40: "forty сорок",
    45: "forty-five",
    50: "fifty пятьдесят",
    60: "sixty шестьдесят",
    90: "ninety девяносто",
}
_NUMBER_VALUES = {word: value for value, words in _NUMBER_WORDS.items() for word in words.split()}
NUMBER_PATTERN = r"\d+|" + "|".join(sorted(_NUMBER_VALUES, key=len, reverse=True))

UNITS = (
    (1, r"seconds?|secs?|s|секунд\w*|сек"),
    (60, r"minutes?|mins?|m|минут\w*|мин"),
    (3600, r"hours?|hrs?|h|час(?:а|ов|ик)?|ч"),
    (86400, r"days?|день|дня|дней|сутки|суток"),
    (604800, r"weeks?|недел\w+"),
)
UNIT_PATTERN = "|".join(pattern for _, pattern in UNITS)

_WEEKDAYS = (
    r"mon(?:day)?s?|понедельник\w*",
    r"tue(?:sday)?s?|вторник\w*",
    r"wed(?:nesday)?s?|сред(?:а|ы|е|у|ам)",
    r"thu(?:rsday)?s?|четверг\w*",
    r"fri(?:day)?s?|пятниц\w+",
    r"sat(?:urday)?s?|суббот\w+",
    r"sun(?:day)?s?|воскресень\w+",
)
WEEKDAY_PATTERN = "|".join(_WEEKDAYS)

_MONTHS = (
    r"jan(?:uary)?|января",
    r"feb(?:ruary)?|февраля",
    r"mar(?:ch)?|марта",
    r"apr(?:il)?|апреля",
    r"may|мая",
    r"june?|июня",
    r"july?|июля",
    r"aug(?:ust)?|августа",
    r"sep(?:t|tember)?|сентября",
    r"oct(?:ober)?|октября",
    r"nov(?:ember)?|ноября",
    r"dec(?:ember)?|декабря",
)
MONTH_PATTERN = "|".join(_MONTHS)

DAY_PART_HOURS = (
    (9, r"in the morning|mornings?|утром|утро"),
    (13, r"in the afternoon|afternoons?|днём|днем"),
    (19, r"in the evening|evenings?|tonight|вечером|вечер"),
    (23, r"at night|nights?|ночью|ночь"),
)
"""The hour of each part of the day, used where no time is given."""


def parse_number(word: str) -> int:
    """Return the value of digits or a number word."""
    return int(word) if word.isdecimal() else _NUMBER_VALUES[word.lower()]


def parse_unit_seconds(word: str) -> int:
    """Return the seconds of a unit."""
    return next(seconds for seconds, pattern in UNITS if _is_match(word, pattern))


def parse_weekday(word: str) -> int:
    """Return the number of a weekday; Monday is 0."""
    return next(index for index, pattern in enumerate(_WEEKDAYS) if _is_match(word, pattern))


def parse_month(word: str) -> int:
    """Return the number of a month; January is 1."""
    return next(index for index, pattern in enumerate(_MONTHS, 1) if _is_match(word, pattern))


def find_day_part_hour(text: str) -> int | None:
    """Return the hour of the part of the day that a text names, or None."""
    return next(
        (
            hour
            for hour, part in DAY_PART_HOURS
            if re.search(rf"\b(?:{part})\b", text, re.IGNORECASE)
        ),
        None,
    )


def _is_match(word: str, pattern: str) -> bool:
    return re.fullmatch(pattern, word, re.IGNORECASE) is not None
