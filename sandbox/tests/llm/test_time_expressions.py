"""Time expressions in both languages."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from sandbox.llm.time_expressions import find_time_expression

SATURDAY = datetime(2026, 11, 21, 13, 24)


@pytest.mark.parametrize(
    ("text", "seconds", "rest"),
    [
        ("in 20 seconds stretch", 20, "stretch"),
        ("in a minute", 60, ""),
        ("in half an hour", 1800, ""),
        ("in an hour and a half", 5400, ""),
        ("in 1 hour and 30 minutes", 5400, ""),
        ("in two hours", 7200, ""),
        ("in a couple of hours", 7200, ""),
        ("in 3 days", 259200, ""),
        ("через 20 секунд размяться", 20, "размяться"),
        ("через минуту", 60, ""),
        ("через полчаса", 1800, ""),
        ("через полтора часа", 5400, ""),
        ("через час и 15 минут", 4500, ""),
        ("через две недели", 1209600, ""),
        ("in two and a half hours", 9000, ""),
        ("in 1.5 hours leave", 5400, "leave"),
        ("in a quarter of an hour", 900, ""),
        ("in forty-five minutes", 2700, ""),
        ("twenty minutes from now leave", 1200, "leave"),
        ("in a month", 30 * 86400, ""),
        ("in half a year", 181 * 86400, ""),
        ("через два с половиной часа", 9000, ""),
        ("через четверть часа", 900, ""),
        ("через сорок пять минут", 2700, ""),
        ("через год", 365 * 86400, ""),
        ("через день полить цветы", 86400, "полить цветы"),
    ],
)
def test_durations(text: str, seconds: int, rest: str) -> None:
    when = find_time_expression(text, SATURDAY)
    assert when
    assert (when.in_seconds, when.at, when.cron, when.remaining_text) == (seconds, None, None, rest)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("at half past seven", "2026-11-21T19:30"),
        ("at half past twelve", "2026-11-22T12:30"),
        ("at quarter to nine in the morning", "2026-11-22T08:45"),
        ("at a quarter to one", "2026-11-22T12:45"),
        ("at ten past six pm", "2026-11-21T18:10"),
        ("at lunch", "2026-11-22T13:00"),
        ("tomorrow at 3", "2026-11-22T15:00"),
        ("yesterday at 9", "2026-11-20T09:00"),
        ("24.12. at 18", "2026-12-24T18:00"),
        ("tomorrow at 3:00 am", "2026-11-22T03:00"),
        ("wake me at 7", "2026-11-22T07:00"),
        ("set an alarm at 4", "2026-11-22T04:00"),
        ("at 7 to set the alarm", "2026-11-21T19:00"),
        ("next Saturday at 10", "2026-11-28T10:00"),
        ("next Monday", "2026-11-23T09:00"),
        ("on Tuesday next week", "2026-11-24T09:00"),
        ("next week", "2026-11-23T09:00"),
        ("Friday at 6 pm", "2026-11-27T18:00"),
        ("remind me Friday", "2026-11-27T09:00"),
        ("in a week on Thursday at 10", "2026-12-03T10:00"),
        ("in two weeks in the evening", "2026-12-05T19:00"),
        ("in two years", "2028-11-21T13:24"),
        ("on the 15th", "2026-12-15T09:00"),
        ("on the 25th of this month", "2026-11-25T09:00"),
        ("on the 25th of next month", "2026-12-25T09:00"),
        ("on 3 March 2028 at noon", "2028-03-03T12:00"),
        ("on March 3rd, 2028", "2028-03-03T09:00"),
        ("без четверти девять", "2026-11-21T20:45"),
        ("без двадцати пяти шесть", "2026-11-21T17:35"),
        ("в половине восьмого", "2026-11-21T19:30"),
        ("в полвосьмого утра", "2026-11-22T07:30"),
        ("в половине первого ночи", "2026-11-22T00:30"),
        ("в четверть третьего", "2026-11-21T14:15"),
        ("в десять минут девятого", "2026-11-21T20:10"),
        ("к девяти вечера", "2026-11-21T21:00"),
        ("завтра в обед", "2026-11-22T13:00"),
        ("разбуди в 7", "2026-11-22T07:00"),
        ("в следующую пятницу", "2026-11-27T09:00"),
        ("на следующей неделе во вторник в 9", "2026-11-24T09:00"),
        ("через неделю в четверг", "2026-12-03T09:00"),
        ("15 числа в 10", "2026-12-15T10:00"),
        ("25 числа этого месяца", "2026-11-25T09:00"),
        ("5 числа следующего месяца", "2026-12-05T09:00"),
        ("первого декабря", "2026-12-01T09:00"),
        ("3 марта 2028 года в полдень", "2028-03-03T12:00"),
        ("at 18:30", "2026-11-21T18:30"),
        ("at 9", "2026-11-21T21:00"),
        ("at 09:00", "2026-11-22T09:00"),
        ("at 7 pm", "2026-11-21T19:00"),
        ("at 12 am", "2026-11-22T00:00"),
        ("at noon", "2026-11-22T12:00"),
        ("tomorrow", "2026-11-22T09:00"),
        ("tomorrow at 9", "2026-11-22T09:00"),
        ("tomorrow evening", "2026-11-22T19:00"),
        ("tomorrow evening at 8", "2026-11-22T20:00"),
        ("at 9 in the morning", "2026-11-22T09:00"),
        ("завтра вечером в 8", "2026-11-22T20:00"),
        ("the day after tomorrow at 8:15", "2026-11-23T08:15"),
        ("on Friday at 10", "2026-11-27T10:00"),
        ("by Friday", "2026-11-27T09:00"),
        ("до пятницы", "2026-11-27T09:00"),
        ("к среде", "2026-11-25T09:00"),
        ("на понедельник", "2026-11-23T09:00"),
        ("on Saturday at 10:00", "2026-11-28T10:00"),
        ("on Saturday at 18:00", "2026-11-21T18:00"),
        ("on 5 December at 10:15", "2026-12-05T10:15"),
        ("on March 3rd", "2027-03-03T09:00"),
        ("2026-12-24 at 18:00", "2026-12-24T18:00"),
        ("in 2 days at 9", "2026-11-23T09:00"),
        ("tonight", "2026-11-21T19:00"),
        ("в 18:30", "2026-11-21T18:30"),
        ("в 9 утра", "2026-11-22T09:00"),
        ("в 9 вечера", "2026-11-21T21:00"),
        ("в полночь", "2026-11-22T00:00"),
        ("завтра в 9", "2026-11-22T09:00"),
        ("завтра утром", "2026-11-22T09:00"),
        ("послезавтра в семь", "2026-11-23T07:00"),
        ("в пятницу в 10", "2026-11-27T10:00"),
        ("5 декабря в 12", "2026-12-05T12:00"),
        ("25.12 в 9:30", "2026-12-25T09:30"),
        ("сегодня вечером", "2026-11-21T19:00"),
    ],
)
def test_moments(text: str, at: str) -> None:
    when = find_time_expression(text, SATURDAY)
    assert when
    assert (when.at, when.in_seconds, when.cron) == (datetime.fromisoformat(at), None, None)


@pytest.mark.parametrize(
    ("text", "cron"),
    [
        ("every day at 9", "0 9 * * *"),
        ("daily at 18:30", "30 18 * * *"),
        ("every morning", "0 9 * * *"),
        ("every evening at 8", "0 20 * * *"),
        ("every weekday at 8:30", "30 8 * * 1-5"),
        ("on weekends at 11", "0 11 * * 0,6"),
        ("every Monday and Thursday at 19:00", "0 19 * * 1,4"),
        ("on Sundays at 10", "0 10 * * 0"),
        ("every 15 minutes", "*/15 * * * *"),
        ("every hour", "0 * * * *"),
        ("every month on the 5th at 10", "0 10 5 * *"),
        ("weekly", "0 9 * * 1"),
        ("every Monday morning", "0 9 * * 1"),
        ("every Friday evening at 8", "0 20 * * 5"),
        ("every week on Sunday at 7 pm", "0 19 * * 0"),
        ("on Monday, Wednesday and Friday at 8", "0 8 * * 1,3,5"),
        ("Monday to Friday at 17:45", "45 17 * * 1-5"),
        ("every day at 8 am and 8 pm", "0 8,20 * * *"),
        ("three times a day at 8, 13 and 20", "0 8,13,20 * * *"),
        ("at 8 every day", "0 8 * * *"),
        ("every two hours", "0 */2 * * *"),
        ("every minute", "* * * * *"),
        ("every hour from 9 to 5", "0 9-17 * * *"),
        ("every 2 hours from 9 am to 9 pm", "0 9-21/2 * * *"),
        ("every 20 minutes from 10 to 12 on weekdays", "*/20 10-11 * * 1-5"),
        ("every half hour", "*/30 * * * *"),
        ("last day of the month at 18:00", "0 18 L * *"),
        ("monthly on the last day", "0 9 L * *"),
        ("on the last working day of every month at 16:00", "0 16 LW * *"),
        ("at the end of each month", "0 9 L * *"),
        ("last Friday of the month at noon", "0 12 * * 5L"),
        ("every last Friday", "0 9 * * 5L"),
        ("first Monday of the month", "0 9 * * 1#1"),
        ("every second Friday of the month", "0 9 * * 5#2"),
        ("on the 1st and 15th", "0 9 1,15 * *"),
        ("on the first day of the month", "0 9 1 * *"),
        ("every month", "0 9 1 * *"),
        ("every year on 5 May", "0 9 5 5 *"),
        ("every May 5th at 10", "0 10 5 5 *"),
        ("every year on the 5th of May", "0 9 5 5 *"),
        ("каждый день в 9", "0 9 * * *"),
        ("ежедневно в 18:30", "30 18 * * *"),
        ("каждый вечер в 8", "0 20 * * *"),
        ("по будням в 8:30", "30 8 * * 1-5"),
        ("по выходным в 11", "0 11 * * 0,6"),
        ("каждый понедельник в 10", "0 10 * * 1"),
        ("по вторникам и пятницам в 7 утра", "0 7 * * 2,5"),
        ("каждые 10 минут", "*/10 * * * *"),
        ("каждое 5 число в 12", "0 12 5 * *"),
        ("каждую неделю", "0 9 * * 1"),
        ("раз в неделю в воскресенье в 19:00", "0 19 * * 0"),
        ("с понедельника по пятницу в 9", "0 9 * * 1-5"),
        ("в будни в 9", "0 9 * * 1-5"),
        ("каждый понедельник утром", "0 9 * * 1"),
        ("по понедельникам, средам и пятницам в 8", "0 8 * * 1,3,5"),
        ("два раза в день в 9 и 18 гулять", "0 9,18 * * *"),
        ("каждый день в 9 и в 21", "0 9,21 * * *"),
        ("каждые два часа", "0 */2 * * *"),
        ("каждые полчаса", "*/30 * * * *"),
        ("каждый час с 9 до 18 по будням", "0 9-18 * * 1-5"),
        ("каждые 2 часа с 9 утра до 9 вечера", "0 9-21/2 * * *"),
        ("в последний день месяца", "0 9 L * *"),
        ("в последний рабочий день месяца в 16:00", "0 16 LW * *"),
        ("в последнюю пятницу месяца в полдень", "0 12 * * 5L"),
        ("в первый понедельник каждого месяца", "0 9 * * 1#1"),
        ("каждый первый понедельник", "0 9 * * 1#1"),
        ("1 и 15 числа в 10", "0 10 1,15 * *"),
        ("10 числа каждого месяца", "0 9 10 * *"),
        ("первого числа каждого месяца", "0 9 1 * *"),
        ("раз в месяц", "0 9 1 * *"),
        ("каждый год 5 мая", "0 9 5 5 *"),
        ("каждое 14 февраля в 9", "0 9 14 2 *"),
    ],
)
def test_recurrences(text: str, cron: str) -> None:
    when = find_time_expression(text, SATURDAY)
    assert when
    assert (when.cron, when.at, when.in_seconds) == (cron, None, None)


@pytest.mark.parametrize(
    ("text", "rrule", "at"),
    [
        ("every second Friday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", "2026-11-27T09:00"),
        ("every other Saturday at 10", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA", "2026-11-28T10:00"),
        ("every other Saturday at 18:00", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA", "2026-11-21T18:00"),
        ("every third day at 20:00", "FREQ=DAILY;INTERVAL=3", "2026-11-21T20:00"),
        ("every other day at 9 and at 21", "FREQ=DAILY;INTERVAL=2;BYHOUR=9,21", "2026-11-22T09:00"),
        ("every two weeks", "FREQ=WEEKLY;INTERVAL=2", "2026-11-22T09:00"),
        (
            "every 2 weeks on Monday and Thursday at 7",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH",
            "2026-11-23T07:00",
        ),
        ("biweekly on Thursday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH", "2026-11-26T09:00"),
        ("every 3 months on the 1st at 10", "FREQ=MONTHLY;INTERVAL=3", "2026-12-01T10:00"),
        ("every 90 minutes", "FREQ=MINUTELY;INTERVAL=90", "2026-11-21T14:54"),
        ("every hour and a half", "FREQ=MINUTELY;INTERVAL=90", "2026-11-21T14:54"),
        ("every 5 hours", "FREQ=HOURLY;INTERVAL=5", "2026-11-21T18:24"),
        ("через пятницу в 10", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", "2026-11-27T10:00"),
        ("каждую вторую среду", "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", "2026-11-25T09:00"),
        ("раз в две недели по пятницам", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", "2026-11-27T09:00"),
        ("напоминай через день в 8", "FREQ=DAILY;INTERVAL=2", "2026-11-22T08:00"),
        ("раз в два дня в 20:00", "FREQ=DAILY;INTERVAL=2", "2026-11-21T20:00"),
        ("каждые три месяца 1 числа", "FREQ=MONTHLY;INTERVAL=3", "2026-12-01T09:00"),
        ("каждые полтора часа", "FREQ=MINUTELY;INTERVAL=90", "2026-11-21T14:54"),
    ],
)
def test_what_cron_cannot_say_is_a_rule(text: str, rrule: str, at: str) -> None:
    when = find_time_expression(text, SATURDAY)
    assert when
    assert (when.rrule, when.at) == (rrule, datetime.fromisoformat(at))
    assert (when.cron, when.in_seconds) == (None, None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("in three days", 3 * 86400 - 3600),
        ("через месяц", 31 * 86400 - 3600),
        ("in 24 hours", 86400),
    ],
)
def test_days_keep_the_local_time_when_clocks_change(text: str, seconds: int) -> None:
    when = find_time_expression(text, datetime(2027, 3, 27, 18, tzinfo=ZoneInfo("Europe/Madrid")))
    assert when
    assert when.in_seconds == seconds


@pytest.mark.parametrize(
    "text", ["every 30 seconds", "the weekly report", "a monthly review", "once upon a time"]
)
def test_text_names_no_recurrence(text: str) -> None:
    assert find_time_expression(text, SATURDAY) is None


@pytest.mark.parametrize(
    "text",
    ["", "stretch", "buy 2 apples", "в магазин", "купить 3 яблока", "at home", "at a meeting"],
)
def test_text_without_time_has_no_time_expression(text: str) -> None:
    assert find_time_expression(text, SATURDAY) is None


def test_the_remaining_text_has_no_time_phrase() -> None:
    when = find_time_expression("call Ann on Friday at 10 about the report", SATURDAY)
    assert when
    assert (when.phrase, when.remaining_text) == ("on Friday at 10", "call Ann about the report")


def test_part_of_the_day_in_the_subject_is_no_time() -> None:
    when = find_time_expression("at 5 make evening tea", SATURDAY)
    assert when
    assert (when.remaining_text, when.at) == ("make evening tea", datetime(2026, 11, 21, 17))


@pytest.mark.parametrize(
    ("text", "has_time"),
    [
        ("by Friday", False),
        ("завтра", False),
        ("tomorrow at 9", True),
        ("tomorrow evening", True),
        ("at 18:30", True),
    ],
)
def test_day_alone_has_no_time_of_day(text: str, has_time: bool) -> None:
    when = find_time_expression(text, SATURDAY)
    assert when
    assert when.has_time is has_time
