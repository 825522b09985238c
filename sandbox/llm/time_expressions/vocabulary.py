"""Words for numbers, units, weekdays, months and parts of the day."""

import re


def _parse_table(text: str) -> dict[str, int]:
    return {word: int(value) for value, *words in map(str.split, text.split(";")) for word in words}


_NUMBERS = _parse_table("""
    1 one один одну одна часу; 2 two два две двум; 3 three три трём; 4 four четыре четырём;
    5 five пять пяти; 6 six шесть шести; 7 seven семь семи; 8 eight восемь восьми;
    9 nine девять девяти; 10 ten десять десяти; 11 eleven одиннадцать; 12 twelve двенадцать;
    15 fifteen пятнадцать пятнадцати; 20 twenty двадцать двадцати; 30 thirty тридцать;
    40 forty сорок; 50 fifty пятьдесят; 60 sixty шестьдесят; 90 ninety девяносто
""")
_COUNTS = _NUMBERS | {"a": 1, "an": 1, "couple": 2, "пару": 2}
_TENS = "|".join(word for word, value in _NUMBERS.items() if value in range(20, 100, 10))
_UNITS = "|".join(word for word, value in _NUMBERS.items() if value < 10)
NUMBER_PATTERN = rf"\d+|(?:{_TENS})[ -](?:{_UNITS})\b|" + "|".join(
    sorted(_COUNTS, key=len, reverse=True)
)
HOUR_PATTERN = r"\d{1,2}|" + "|".join(
    sorted((word for word, value in _NUMBERS.items() if value <= 12), key=len, reverse=True)
)

HALF_OF_DAY_PATTERN = r"(?P<half>a\.?m\b\.?|p\.?m\b\.?|утра|дня|вечера|ночи)"

_ORDINALS = _parse_table("""
    1 first перв; 2 second other втор; 3 third трет; 4 fourth четверт четвёрт; 5 fifth пят;
    6 шест; 7 седьм; 8 восьм; 9 девят; 10 десят; 11 одиннадцат; 12 двенадцат
""")
"""Russian ones without their endings."""
_RUSSIAN_ORDINALS = "|".join(word for word in _ORDINALS if word > "а")
ORDINAL_PATTERN = (
    r"first|second|other|third|fourth|fifth|\d{1,2}(?:st|nd|rd|th)"
    rf"|(?:{_RUSSIAN_ORDINALS})(?:ый|ой|ий|ая|ья|ую|ью|ое|ье)"
)
HOUR_GENITIVE_PATTERN = rf"(?:{_RUSSIAN_ORDINALS})(?:ого|ьего)"
"""The hour that a Russian half belongs to: “в половине восьмого” is 7:30."""

_UNIT_SECONDS = {
    r"seconds?|secs?|s|секунд\w*|сек": 1,
    r"minutes?|mins?|m|минут\w*|мин": 60,
    r"hours?|hrs?|h|час(?:а|ов|ик|ика)?|ч": 3600,
    r"days?|день|дня|дней|сутки|суток": 86400,
    r"weeks?|недел\w+": 604800,
}
_UNIT_MONTHS = {r"months?|месяц\w*": 1, r"years?|год|года|лет": 12}
UNIT_PATTERN = "|".join((*_UNIT_SECONDS, *_UNIT_MONTHS))

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

_DAY_PART_HOURS = _parse_table("""
    9 morning mornings утро утром утрам; 13 afternoon afternoons днём днем;
    19 evening evenings tonight вечер вечером вечеру вечерам; 23 night nights ночь ночью ночам
""")
EVENING_HOUR, NIGHT_HOUR = 19, 23
DAY_PART_NOUN_PATTERN = r"mornings?|afternoons?|evenings?|nights?|утро|вечер|ночь"
DAY_PART_PATTERN = (
    r"(?:in the|this|(?<=tomorrow)|(?<=day)|(?<=days)) (?:mornings?|afternoons?|evenings?|nights?)"
    r"|tonight|at night|утром|днём|днем|вечером|ночью|по (?:утрам|вечерам|ночам)|к вечеру"
)
"""An English noun alone may belong to a reminder's subject: “at 5 to make evening tea”."""


def parse_number(words: str) -> int:
    """Return the value of digits or of number words, such as “forty-five”."""
    if words.isdecimal():
        return int(words)
    return sum(_COUNTS[word] for word in re.split("[ -]", words.lower()))


def parse_ordinal(word: str) -> int:
    """Return the value of an ordinal, such as “2nd”, “вторую”, “восьмого”."""
    digits = re.match(r"\d+", word)
    starts = (value for start, value in _ORDINALS.items() if word.lower().startswith(start))
    return int(digits[0]) if digits else next(starts)


def parse_unit_seconds(word: str) -> int:
    """Return the seconds of a unit; 0 for months and years."""
    return next(iter(_find_values(_UNIT_SECONDS, word)), 0)


def parse_unit_months(word: str) -> int:
    """Return the months of a unit; 0 for shorter ones."""
    return next(iter(_find_values(_UNIT_MONTHS, word)), 0)


def parse_weekday(word: str) -> int:
    """Return the number of a weekday; Monday is 0."""
    return _WEEKDAY_STARTS.split().index(word[:3].lower()) % 7


def parse_month(word: str) -> int:
    """Return the number of a month; January is 1."""
    return _MONTH_STARTS.split().index(word[:3].lower()) % 12 + 1


def parse_day_part(phrase: str) -> int:
    """Return the hour that stands for a part of the day, such as “in the morning”."""
    return _DAY_PART_HOURS[phrase.split()[-1].lower()]


def _find_values(table: dict[str, int], text: str) -> list[int]:
    return [value for words, value in table.items() if re.search(rf"(?i)\b(?:{words})\b", text)]
