"""Language detection, word stems and dates for Russian and English."""

import re
from datetime import date
from typing import Literal

Language = Literal["ru", "en"]

_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
_LATIN = re.compile("[a-z]", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{3,}")
_STOP_WORD_TEXT = """
    a about all an and any are ask asks assistant can could does for from get give have help helps
    her him his how its let make may me more need not one our out please question questions request
    say says she should some tell text than that the their them then there these they this tool use
    used user uses using want was what when where which who will with without word words would you
    your
    без бот быть вас ваш весь все вы где для его если есть еще ещё или инструмент как какая какие
    какой когда который кто мне мой мочь может можно моя над надо нас наш нужен нужно она они оно
    ответ отвечает отвечать под пожалуйста помоги помогает помощник помощь попроси пользователь при
    про скажи спроси так там тебе тебя тот ты что чтобы эта эти это этот
"""
_STEM_TRANSLATIONS = """
    напиш write, напис write, писат write, перев trans, переп rewri, сокра short, отред edito,
    редак edito
"""
_ENGLISH_STEMS = dict(pair.split() for pair in _STEM_TRANSLATIONS.split(","))
"""Russian stems with the English stems that tool names contain."""
_STOP_WORDS = frozenset(_STOP_WORD_TEXT.split())
_RUSSIAN_WEEKDAYS = "понедельник вторник среда четверг пятница суббота воскресенье"
_RUSSIAN_MONTHS = (
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря"
)


def detect_language(*texts: str) -> Language:
    """Return the language of the first text with letters; English if none has any."""
    for text in texts:
        cyrillic, latin = len(_CYRILLIC.findall(text)), len(_LATIN.findall(text))
        if cyrillic or latin:
            return "ru" if cyrillic * 2 > latin else "en"
    return "en"


def extract_stems(text: str) -> set[str]:
    """Return the first five letters of all words except stop words, to match inflected forms."""
    words = (word.lower() for word in _WORD.findall(text))
    found = {word[:5] for word in words if word not in _STOP_WORDS}
    return found | {_ENGLISH_STEMS[stem] for stem in found if stem in _ENGLISH_STEMS}


def format_long_date(language: Language, day: date) -> str:
    """Return, for example, “Saturday, 21 November” or “суббота, 21 ноября”."""
    if language == "en":
        return f"{day:%A}, {day.day} {day:%B}"
    month = _RUSSIAN_MONTHS.split()[day.month - 1]
    return f"{_RUSSIAN_WEEKDAYS.split()[day.weekday()]}, {day.day} {month}"
