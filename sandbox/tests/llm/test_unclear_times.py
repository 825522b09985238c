"""Times that the model does not understand: it asks, and plans nothing for another time."""

from typing import Any

import pytest

from sandbox.tests.llm.model_requests import call_model, get_tool_calls

WEDNESDAY = "[Wed 2026-11-25 13:24 Europe/Berlin]"


@pytest.mark.parametrize(
    ("text", "unclear"),
    [
        ("remind me 2027-02-29 at 9 to rest", "2027-02-29"),
        ("remind me on 5/12 at 9 to rest", "on 5/12"),
        ("remind me to rest on 5/12 at 9", "5/12"),
        ("remind me tomorrow at 25:00 to rest", "at 25:00"),
        ("remind me every day at 8:30 and 20:00 to take pills", "20:00"),
        ("remind me to take pills every day at 8:30 and 20:00", "20:00"),
        ("remind me at 9 and 18 to rest", "18"),
        ("remind me every day until Friday at 9 to drink", "until Friday"),
        ("remind me every weekday except Friday at 9 to work", "except Friday"),
        ("remind me to work every weekday at 9 except Friday", "except Friday"),
        ("remind me half an hour before 6 pm to leave", "half an hour"),
        ("remind me twice a day to stretch", "twice a day"),
        ("remind me in 20 minutes and tomorrow at 9 to call", "tomorrow"),
    ],
)
def test_unclear_time_is_questioned(text: str, unclear: str) -> None:
    reply = call_model(text, context=WEDNESDAY)

    assert reply.tool_calls == ()
    assert reply.text.startswith(f"I do not understand “{unclear}”, so I have planned nothing.")


@pytest.mark.parametrize(
    ("text", "unclear"),
    [
        ("напомни 31.02 в 9 позвонить", "31.02"),
        ("напоминай каждый день в 8:30 и 20:00 пить таблетки", "20:00"),
        ("напоминай пить таблетки каждый день в 8:30 и 20:00", "20:00"),
        ("напоминай каждый день кроме пятницы в 9 работать", "кроме пятницы"),
        ("напомни завтра утром и вечером поесть", "вечером"),
    ],
)
def test_unclear_russian_time_is_questioned(text: str, unclear: str) -> None:
    reply = call_model(text, context=WEDNESDAY)

    assert reply.tool_calls == ()
    assert reply.text.startswith(f"Не понимаю «{unclear}», поэтому ничего не запланировал.")


@pytest.mark.parametrize(
    ("text", "subject", "at"),
    [
        (
            "remind me at 14:30 that the meeting starts at 15:00",
            "the meeting starts at 15:00",
            "2026-11-25T14:30:00",
        ),
        ("remind me tomorrow at 9 about Friday's meeting", "Friday's meeting", None),
        ("remind me tomorrow to file the report of 5/12", "file the report of 5/12", None),
        ("remind me tomorrow at 9 to order 2 pizzas", "order 2 pizzas", None),
        ("remind me tomorrow at 9 to say good night", "say good night", None),
    ],
)
def test_times_within_the_subject_are_left_alone(text: str, subject: str, at: str | None) -> None:
    (call,) = get_tool_calls(text, context=WEDNESDAY)

    at = at or "2026-11-26T09:00:00"
    assert call == ("create_reminder", {"text": subject, "at": at})


@pytest.mark.parametrize(
    ("now", "text", "at"),
    [
        ("13:24", "tonight at 1", "2026-11-26T01:00:00"),
        ("13:24", "tonight at 12", "2026-11-26T00:00:00"),
        ("13:24", "tonight at 9", "2026-11-25T21:00:00"),
        ("13:24", "at 3 at night", "2026-11-26T03:00:00"),
        ("13:24", "at 11 at night", "2026-11-25T23:00:00"),
        ("13:24", "сегодня ночью в 2", "2026-11-26T02:00:00"),
        ("13:24", "завтра ночью в 2", "2026-11-26T02:00:00"),
        ("00:30", "ночью в 2", "2026-11-25T02:00:00"),
        ("13:24", "сегодня в 12 ночи", "2026-11-26T00:00:00"),
        ("13:24", "on 29 February at 9", "2028-02-29T09:00:00"),
        ("13:24", "29 февраля в 9", "2028-02-29T09:00:00"),
    ],
)
def test_nights_and_leap_days(now: str, text: str, at: str) -> None:
    wanted = f"напомни {text} спать" if text > "а" else f"remind me {text} to sleep"
    context = WEDNESDAY.replace("13:24", now)

    ((_, arguments),) = get_tool_calls(wanted, context=context)
    assert arguments["at"] == at


@pytest.mark.parametrize(
    ("text", "rhythm"),
    [
        ("every 10th at 9", {"cron": "0 9 10 * *"}),
        ("every 15th and 30th at 10", {"cron": "0 10 15,30 * *"}),
        ("weekdays at 8:30", {"cron": "30 8 * * 1-5"}),
        ("every morning and evening", {"cron": "0 9,19 * * *"}),
        ("twice a day at 9 and 21", {"cron": "0 9,21 * * *"}),
        ("every quarter", {"at": "2026-11-26T09:00:00", "rrule": "FREQ=MONTHLY;INTERVAL=3"}),
        ("every hour from 22 to 6", {"cron": "0 0-6,22-23 * * *"}),
        ("every hour from 10 pm to 6 am", {"cron": "0 0-6,22-23 * * *"}),
        ("every 15 minutes from 22 to 6", {"cron": "*/15 0-5,22-23 * * *"}),
        ("every 2 hours from 20 to 8", {"cron": "0 0,2,4,6,8,20,22 * * *"}),
        ("every hour from 9 to 5", {"cron": "0 9-17 * * *"}),
        ("every hour from 18 to 24", {"cron": "0 0-0,18-23 * * *"}),
    ],
)
def test_rhythms(text: str, rhythm: dict[str, Any]) -> None:
    ((_, arguments),) = get_tool_calls(f"remind me {text} to check", context=WEDNESDAY)

    assert arguments == {"text": "check"} | rhythm


@pytest.mark.parametrize("text", ["напоминай утром и вечером", "напоминай по утрам и вечерам"])
def test_mornings_and_evenings_in_russian(text: str) -> None:
    ((_, arguments),) = get_tool_calls(f"{text} пить таблетки", context=WEDNESDAY)

    assert arguments == {"text": "пить таблетки", "cron": "0 9,19 * * *"}
