"""Dates in words."""

from datetime import date

from sandbox.llm.skill import Request

_WEEKDAYS = (
    ("Monday", "понедельник"),
    ("Tuesday", "вторник"),
    ("Wednesday", "среда"),
    ("Thursday", "четверг"),
    ("Friday", "пятница"),
    ("Saturday", "суббота"),
    ("Sunday", "воскресенье"),
)
_MONTHS = (
    ("January", "января"),
    ("February", "февраля"),
    ("March", "марта"),
    ("April", "апреля"),
    ("May", "мая"),
    ("June", "июня"),
    ("July", "июля"),
    ("August", "августа"),
    ("September", "сентября"),
    ("October", "октября"),
    ("November", "ноября"),
    ("December", "декабря"),
)


def long_date(request: Request, day: date) -> str:
    """“Saturday, 21 November”."""
    weekday = request.say(*_WEEKDAYS[day.weekday()])
    return f"{weekday}, {day.day} {request.say(*_MONTHS[day.month - 1])}"
