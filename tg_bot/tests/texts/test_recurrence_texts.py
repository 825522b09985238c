from datetime import UTC, date, datetime

import pytest

from smart_kit.settings import Language
from tg_bot.src.texts.recurrence_texts import describe_recurrence
from tg_bot.src.texts.text_context import TextContext
from tg_bot.src.texts.translations import get_translation

NOW = datetime(2026, 11, 27, 14, 5, tzinfo=UTC)


def describe(
    cron: str | None, rule: str | None, language: Language = "en", next_fire: date | None = None
) -> str:
    context = TextContext(get_translation(language), "UTC", NOW)
    return describe_recurrence(cron, rule, "Europe/Berlin", context, next_fire=next_fire)


@pytest.mark.parametrize(
    ("expression", "english", "russian"),
    [
        ("* * * * *", "every minute", "каждую минуту"),
        ("5 * * * *", "hourly", "каждый час"),
        ("0 9 * * *", "daily", "ежедневно"),
        ("0  9 * * 1-5", "on weekdays", "по будням"),
        ("0 9 * * mon-fri", "on weekdays", "по будням"),
        ("0 9 * * 6,0", "at weekends", "по выходным"),
        ("0 9 * * 6-7", "at weekends", "по выходным"),
        ("0 9 * * 0-6", "daily", "ежедневно"),
        ("0 9 * * 7", "weekly", "еженедельно"),
        ("0 9 * * FRI", "weekly", "еженедельно"),
        ("0 9 * * 1,3", "on Mon, Wed", "по пн, ср"),
        ("0 9 * * SUN,TUE", "on Tue, Sun", "по вт, вс"),
        ("0 9 * * 1-5/2", "on Mon, Wed, Fri", "по пн, ср, пт"),
        ("0 9 1 * *", "monthly", "ежемесячно"),
        ("0 9 1,15 * *", "on days 1, 15 of the month", "по 1, 15 числам месяца"),
        ("0 9 L * *", "on the last day of the month", "в последний день месяца"),
        (
            "0 9 * * 1#1",
            "on the first Monday of the month",
            "по первым понедельникам месяца",
        ),
        ("0 9 * * SUN#3", "on the third Sunday of the month", "по третьим воскресеньям месяца"),
        ("0 9 * * 5L", "on the last Friday of the month", "по последним пятницам месяца"),
        ("0 9 24 12 *", "yearly", "ежегодно"),
        ("0 9 24 DEC *", "yearly", "ежегодно"),
        ("*/15 * * * *", "every 15 minutes", "каждые 15 минут"),
        ("0 */2 * * *", "every 2 hours", "каждые 2 часа"),
        ("0 9,18 * * *", "daily at 09:00, 18:00", "ежедневно в 09:00, 18:00"),
        ("0,30 9 * * 1-5", "on weekdays at 09:00, 09:30", "по будням в 09:00, 09:30"),
        ("0 */10 * * *", "daily at 00:00, 10:00, 20:00", "ежедневно в 00:00, 10:00, 20:00"),
        (
            "0 9-17 * * 1-5",
            "on weekdays, hourly from 09:00 to 17:00",
            "по будням, каждый час с 09:00 до 17:00",
        ),
    ],
)
def test_cron_expressions_are_described(expression: str, english: str, russian: str) -> None:
    assert describe(expression, None, "en") == english
    assert describe(expression, None, "ru") == russian


@pytest.mark.parametrize(
    "expression",
    [
        "0 9 1 * 1",
        "*/45 * * * *",
        "0-59 9 * * *",
        "*/20 9-17 * * *",
        "0 9 1-7 * *",
        "0 9 1 1,7 *",
        "0 9 LW * *",
        "0 9 * 2 *",
        "0 9 * * MO",
        "0 9 * * 9#1",
        "0 25 * * *",
        "0 9 * * 1-",
        "0 9 * *",
        "@daily",
    ],
)
def test_what_has_no_simple_name_is_shown_literally(expression: str) -> None:
    assert describe(expression, None) == f"repeating: {expression}"
    assert describe(expression, None, "ru") == f"повторяется: {expression}"


@pytest.mark.parametrize(
    ("rule", "english", "russian"),
    [
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", "every 2 weeks", "каждые 2 недели"),
        ("freq=weekly", "weekly", "еженедельно"),
        (
            "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=FR,MO;WKST=MO",
            "every 2 weeks, on Mon, Fri",
            "каждые 2 недели, по пн, пт",
        ),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "on weekdays", "по будням"),
        ("FREQ=MINUTELY;INTERVAL=90", "every 90 minutes", "каждые 90 минут"),
        ("FREQ=HOURLY;INTERVAL=21", "every 21 hours", "каждые 21 час"),
        ("FREQ=DAILY;INTERVAL=3;", "every 3 days", "каждые 3 дня"),
        ("FREQ=WEEKLY;INTERVAL=21", "every 21 weeks", "каждые 21 неделю"),
        ("FREQ=DAILY;BYDAY=TU,TH", "on Tue, Thu", "по вт, чт"),
        ("FREQ=DAILY;INTERVAL=1;BYDAY=TU,TH", "on Tue, Thu", "по вт, чт"),
        (
            "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1,15",
            "every 2 months, on days 1, 15 of the month",
            "каждые 2 месяца, по 1, 15 числам месяца",
        ),
        (
            "FREQ=DAILY;BYHOUR=18,9;BYMINUTE=30",
            "daily at 09:30, 18:30",
            "ежедневно в 09:30, 18:30",
        ),
        ("FREQ=DAILY;BYHOUR=9", "daily", "ежедневно"),
        ("FREQ=MONTHLY;INTERVAL=3", "every 3 months", "каждые 3 месяца"),
        (
            "FREQ=MONTHLY;BYDAY=-1FR",
            "on the last Friday of the month",
            "по последним пятницам месяца",
        ),
        (
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=+2TU",
            "every 2 months, on the second Tuesday of the month",
            "каждые 2 месяца, по вторым вторникам месяца",
        ),
        ("FREQ=MONTHLY;BYMONTHDAY=15", "monthly", "ежемесячно"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "on the last day of the month", "в последний день месяца"),
        (
            "FREQ=MONTHLY;BYMONTHDAY=15,1",
            "on days 1, 15 of the month",
            "по 1, 15 числам месяца",
        ),
        ("FREQ=YEARLY", "yearly", "ежегодно"),
        ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", "every 4 years", "каждые 4 года"),
        ("FREQ=DAILY;COUNT=5", "daily, 5 times", "ежедневно, 5 раз"),
        ("FREQ=DAILY;UNTIL=20261204", "daily, until Fri 4 Dec", "ежедневно, до пт 4 дек."),
        (
            "FREQ=DAILY;UNTIL=20261204T100000",
            "daily, until Fri 4 Dec",
            "ежедневно, до пт 4 дек.",
        ),
        (  # in Berlin it is the next day
            "FREQ=DAILY;UNTIL=20261204T233000Z",
            "daily, until Sat 5 Dec",
            "ежедневно, до сб 5 дек.",
        ),
    ],
)
def test_recurrence_rules_are_described(rule: str, english: str, russian: str) -> None:
    assert describe(None, rule, "en") == english
    assert describe(None, rule, "ru") == russian


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=MONTHLY;BYDAY=MO,TU",
        "FREQ=MONTHLY;BYDAY=FR",
        "FREQ=MONTHLY;BYDAY=1FR;BYMONTHDAY=3",
        "FREQ=MONTHLY;BYMONTHDAY=-2",
        "FREQ=MONTHLY;BYMONTHDAY=15,-1",
        "FREQ=MONTHLY;BYMONTH=1",
        "FREQ=MONTHLY;BYMONTHDAY=1,2,3,4,5",
        "FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=1",
        "FREQ=YEARLY;BYMONTH=1",
        "FREQ=YEARLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=DAILY;BYMONTHDAY=1",
        "FREQ=DAILY;INTERVAL=2;BYDAY=MO",
        "FREQ=DAILY;BYHOUR=9,18",
        "FREQ=DAILY;BYMINUTE=0,30",
        "FREQ=DAILY;BYHOUR=9,10,18,19;BYMINUTE=0,30",
        "FREQ=DAILY;UNTIL=tomorrow",
        "FREQ=DAILY;COUNT=x",
        "FREQ=SECONDLY",
        "FREQ=WEEKLY;BYDAY=XX",
        "INTERVAL=2",
        "every day",
    ],
)
def test_rules_without_a_simple_name_are_shown_literally(rule: str) -> None:
    assert describe(None, rule) == f"repeating: {rule}"


def test_one_off_has_no_recurrence() -> None:
    assert describe(None, None) == ""


@pytest.mark.parametrize(
    ("cron", "rule", "next_fire", "english", "russian"),
    [
        (
            "0 9 31 * *",
            None,
            date(2026, 12, 31),
            "on day 31 of the months that have it",
            "31 числа тех месяцев, в которых оно есть",
        ),
        (
            None,
            "FREQ=MONTHLY;INTERVAL=2",  # from the 29th on
            date(2026, 12, 29),
            "every 2 months, on day 29 of the months that have it",
            "каждые 2 месяца, 29 числа тех месяцев, в которых оно есть",
        ),
        ("0 9 28 * *", None, date(2026, 12, 28), "monthly", "ежемесячно"),
        ("0 9 L * *", None, date(2026, 12, 31), "on the last day of the month", None),
        ("0 9 * * 4L", None, date(2026, 12, 31), "on the last Thursday of the month", None),
        ("0 9 29 2 *", None, date(2028, 2, 29), "in leap years", "в високосные годы"),
        (None, "FREQ=YEARLY", date(2028, 2, 29), "in leap years", "в високосные годы"),
        ("0 9 31 12 *", None, date(2026, 12, 31), "yearly", "ежегодно"),
        ("0 9 * * *", None, date(2026, 12, 31), "daily", "ежедневно"),
    ],
)
def test_day_that_some_months_or_years_lack_is_named(
    cron: str | None, rule: str | None, next_fire: date, english: str, russian: str | None
) -> None:
    assert describe(cron, rule, next_fire=next_fire) == english
    assert russian is None or describe(cron, rule, "ru", next_fire) == russian
