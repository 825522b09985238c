"""Words for numbers, units, weekdays, months and parts of the day."""

import re

_NUMBER_WORDS = """
    1 a an one один одну одна; 2 two couple два две пару; 3 three три; 4 four четыре;
    5 five пять; 6 six шесть; 7 seven семь; 8 eight восемь; 9 nine девять; 10 ten десять;
    11 eleven одиннадцать; 12 twelve двенадцать; 15 fifteen пятнадцать; 20 twenty двадцать;
    25 twenty-five; 30 thirty тридцать; 40 forty сорок; 45 forty-five; 50 fifty пятьдесят;
    60 sixty шестьдесят; 90 ninety девяносто
"""
_NUMBER_VALUES = {
    word: int(value) for value, *words in map(str.split, _NUMBER_WORDS.split(";")) for word in words
}
NUMBER_PATTERN = r"\d+|" + "|".join(sorted(_NUMBER_VALUES, key=len, reverse=True))

_UNIT_SECONDS = {
    r"seconds?|secs?|s|секунд\w*|сек": 1,
    r"minutes?|mins?|m|минут\w*|мин": 60,
    r"hours?|hrs?|h|час(?:а|ов|ик)?|ч": 3600,
    r"days?|день|дня|дней|сутки|суток": 86400,
    r"weeks?|недел\w+": 604800,
}
UNIT_PATTERN = "|".join(_UNIT_SECONDS)

_WEEKDAY_STARTS = "mon tue wed thu fri sat sun пон вто сре чет пят суб вос"
WEEKDAY_PATTERN = (
    r"mon(?:day)?s?|tue(?:sday)?s?|wed(?:nesday)?s?|thu(?:rsday)?s?|fri(?:day)?s?|sat(?:urday)?s?"
    r"|sun(?:day)?s?|понедельник\w*|вторник\w*|сред(?:а|ы|е|у|ам)|четверг\w*|пятниц\w+|суббот\w+"
    r"|воскресень\w+"
)

_MONTH_STARTS = (
    "jan feb mar apr may jun jul aug sep oct nov dec"
    " янв фев мар апр мая июн июл авг сен окт ноя дек"
)
MONTH_PATTERN = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:t|tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
    r"|января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря"
)

_DAY_PART_HOURS = {
    r"in the morning|mornings?|утром|утро|по утрам": 9,
    r"in the afternoon|afternoons?|днём|днем": 13,
    r"in the evening|evenings?|tonight|вечером|вечер|по вечерам": 19,
    r"at night|nights?|ночью|ночь": 23,
}
DAY_PART_PATTERN = "|".join(_DAY_PART_HOURS)


def parse_number(word: str) -> int:
    """Return the value of digits or a number word."""
    return int(word) if word.isdecimal() else _NUMBER_VALUES[word.lower()]


def parse_unit_seconds(word: str) -> int:
    """Return the seconds of a unit."""
    return _find_values(_UNIT_SECONDS, word)[0]


def parse_weekday(word: str) -> int:
    """Return the number of a weekday; Monday is 0."""
    return _WEEKDAY_STARTS.split().index(word[:3].lower()) % 7


def parse_month(word: str) -> int:
    """Return the number of a month; January is 1."""
    return _MONTH_STARTS.split().index(word[:3].lower()) % 12 + 1


def find_day_part_hour(text: str) -> int | None:
    """Return the hour that stands for the part of the day in a text, or None."""
    return next(iter(_find_values(_DAY_PART_HOURS, text)), None)


def _find_values(table: dict[str, int], text: str) -> list[int]:
    return [value for words, value in table.items() if re.search(rf"(?i)\b(?:{words})\b", text)]
