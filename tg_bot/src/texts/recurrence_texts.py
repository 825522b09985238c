"""Describes how often something comes, without its date and, if there is only one, its time."""

from datetime import date
from zoneinfo import ZoneInfo

from babel.dates import get_day_names

from .cron_parsing import parse_cron
from .datetimes import format_date
from .recurrence import LAST, MAX_LISTED, Recurrence, Unit
from .rule_parsing import parse_rule
from .text_context import TextContext
from .translations import N_, Translation

_SINGLE_UNITS: dict[Unit, str] = {
    "minute": N_("every minute"),
    "hour": N_("hourly"),
    "day": N_("daily"),
    "week": N_("weekly"),
    "month": N_("monthly"),
    "year": N_("yearly"),
}
_WEEKDAY_GROUPS: dict[tuple[int, ...], str] = {
    (0, 1, 2, 3, 4): N_("on weekdays"),
    (5, 6): N_("at weekends"),
    (0, 1, 2, 3, 4, 5, 6): N_("daily"),
}
_OCCURRENCES: dict[int, str] = {
    1: N_("first"),
    2: N_("second"),
    3: N_("third"),
    4: N_("fourth"),
    5: N_("fifth"),
    LAST: N_("last"),
}
_WEEKDAYS = (
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)

_SHORTEST_MONTH = 28
"""Days."""


def describe_recurrence(
    cron_expression: str | None,
    rrule: str | None,
    timezone: str,
    context: TextContext,
    *,
    next_fire: date | None = None,
) -> str:
    """Return a text like "weekly" or "every 2 weeks, 5 times"; empty for what does not recur.

    What has no simple name is shown literally. `next_fire` is the local day of the next time.
    """
    expression = cron_expression or rrule
    if not expression:
        return ""
    recurrence = parse_cron(cron_expression) if cron_expression else parse_rule(expression)
    if recurrence is None:
        text = context.translation.gettext("repeating: {expression}")
        return text.format(expression=expression)
    days = _describe_days(recurrence, next_fire, context.translation)
    frequency = _add_times(days, recurrence, context)
    return ", ".join(filter(None, (frequency, _describe_end(recurrence, timezone, context))))


def _describe_days(recurrence: Recurrence, next_fire: date | None, translation: Translation) -> str:
    days = (
        _describe_weekdays(recurrence, translation)
        or _describe_month_days(recurrence, translation)
        or _describe_rare_day(recurrence, next_fire, translation)
    )
    if recurrence.interval == 1:
        return days or translation.gettext(_SINGLE_UNITS[recurrence.unit])
    interval = _describe_interval(recurrence.unit, recurrence.interval, translation)
    return ", ".join(filter(None, (interval, days)))


def _describe_interval(unit: Unit, count: int, translation: Translation) -> str:
    ngettext = translation.ngettext
    match unit:
        case "minute":
            text = ngettext("every {count} minute", "every {count} minutes", count)
        case "hour":
            text = ngettext("every {count} hour", "every {count} hours", count)
        case "day":
            text = ngettext("every {count} day", "every {count} days", count)
        case "week":
            text = ngettext("every {count} week", "every {count} weeks", count)
        case "month":
            text = ngettext("every {count} month", "every {count} months", count)
        case "year":
            text = ngettext("every {count} year", "every {count} years", count)
    return text.format(count=count)


def _describe_weekdays(recurrence: Recurrence, translation: Translation) -> str:
    """Return the days of a week; empty if there is only one, which the date shows."""
    if recurrence.unit != "week" or len(recurrence.weekdays) < 2:
        return ""
    if group := _WEEKDAY_GROUPS.get(recurrence.weekdays):
        return translation.gettext(group)
    names = get_day_names("abbreviated", locale=translation.language)
    days = ", ".join(names[day] for day in recurrence.weekdays)
    return translation.gettext("on {days}").format(days=days)


def _describe_month_days(recurrence: Recurrence, translation: Translation) -> str:
    """Return the days of a month; empty if there is only one, which the date shows."""
    gettext = translation.gettext
    if recurrence.occurrence is not None:
        return gettext("on the {occurrence} {weekday} of the month").format(
            occurrence=gettext(_OCCURRENCES[recurrence.occurrence]),
            weekday=gettext(_WEEKDAYS[recurrence.weekdays[0]]),
        )
    if recurrence.month_days == (LAST,):
        return gettext("on the last day of the month")
    if len(recurrence.month_days) < 2:
        return ""
    days = ", ".join(map(str, sorted(recurrence.month_days)))
    return gettext("on days {days} of the month").format(days=days)


def _describe_rare_day(
    recurrence: Recurrence, next_fire: date | None, translation: Translation
) -> str:
    """Return the day of a month or year if some months or years lack it; else empty."""
    if next_fire is None or next_fire.day <= _SHORTEST_MONTH:
        return ""
    if recurrence.unit == "month":
        text = translation.gettext("on day {day} of the months that have it")
        return text.format(day=next_fire.day)
    is_leap_day = recurrence.unit == "year" and (next_fire.month, next_fire.day) == (2, 29)
    return translation.gettext("in leap years") if is_leap_day else ""


def _add_times(frequency: str, recurrence: Recurrence, context: TextContext) -> str:
    """Add the times of a day, if there are several."""
    times, gettext = [f"{one:%H:%M}" for one in recurrence.times], context.translation.gettext
    if len(times) < 2:
        return frequency
    if len(times) <= MAX_LISTED:
        text = gettext("{frequency} at {times}")
        return text.format(frequency=frequency, times=", ".join(times))
    text = gettext("{frequency}, hourly from {first} to {last}")
    return text.format(frequency=frequency, first=times[0], last=times[-1])


def _describe_end(recurrence: Recurrence, timezone: str, context: TextContext) -> str:
    translation, zone = context.translation, ZoneInfo(timezone)
    if (count := recurrence.count) is not None:
        return translation.ngettext("{count} time", "{count} times", count).format(count=count)
    if (until := recurrence.until) is None:
        return ""
    local = until.astimezone(zone) if until.tzinfo else until.replace(tzinfo=zone)
    day = format_date(local, translation.language, context.now)
    return translation.gettext("until {date}").format(date=day)
