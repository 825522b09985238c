"""Dates with names of weekdays and months."""

from datetime import date

from sandbox.llm.skill import SkillRequest

_RUSSIAN_WEEKDAYS = "понедельник вторник среда четверг пятница суббота воскресенье"
_RUSSIAN_MONTHS = (
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря"
)


def format_long_date(request: SkillRequest, day: date) -> str:
    """Return, for example, “Saturday, 21 November” in the user's language."""
    weekday = request.localize(f"{day:%A}", _RUSSIAN_WEEKDAYS.split()[day.weekday()])
    month = request.localize(f"{day:%B}", _RUSSIAN_MONTHS.split()[day.month - 1])
    return f"{weekday}, {day.day} {month}"
