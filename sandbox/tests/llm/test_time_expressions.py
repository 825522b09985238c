"""Time expressions in both languages."""

from datetime import datetime

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
        ("in 3 days", 259200, ""),
        ("через 20 секунд размяться", 20, "размяться"),
        ("через минуту", 60, ""),
        ("через полчаса", 1800, ""),
        ("через полтора часа", 5400, ""),
        ("через час и 15 минут", 4500, ""),
        ("через две недели", 1209600, ""),
    ],
)
def test_durations(text: str, seconds: int, rest: str) -> None:
    when = find_time_expression(text, SATURDAY)
    assert when
    assert (when.in_seconds, when.at, when.cron, when.remaining_text) == (seconds, None, None, rest)


@pytest.mark.parametrize(
    ("text", "at"),
    [
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
    ],
)
def test_recurrences(text: str, cron: str) -> None:
    when = find_time_expression(text, SATURDAY)
    assert when
    assert (when.cron, when.at, when.in_seconds) == (cron, None, None)


@pytest.mark.parametrize(
    "text", ["", "stretch", "buy 2 apples", "в магазин", "купить 3 яблока", "at home"]
)
def test_text_without_time_has_no_time_expression(text: str) -> None:
    assert find_time_expression(text, SATURDAY) is None


def test_the_remaining_text_has_no_time_phrase() -> None:
    when = find_time_expression("call Ann on Friday at 10 about the report", SATURDAY)
    assert when
    assert (when.phrase, when.remaining_text) == ("on Friday at 10", "call Ann about the report")


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
