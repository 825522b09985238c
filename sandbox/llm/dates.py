"""Dates with names of weekdays and months."""

from datetime import date

from sandbox.llm.skill import SkillRequest

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


def format_long_date(request: SkillRequest, day: date) -> str:
    """Return, for example, “Saturday, 21 November” in the user's language."""
    weekday = request.localize(*_WEEKDAYS[day.weekday()])
    return f"{weekday}, {day.day} {request.localize(*_MONTHS[day.month - 1])}"
