"""The messages of reminders at their time, and the reports of requests that came too late."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from smart_kit.settings import Language
from tg_bot.src.rendering.rendered_message import RenderedMessage
from tg_bot.src.texts.notifications import render_notification
from tg_bot.src.texts.text_context import TextContext
from tg_bot.src.texts.translations import get_translation
from tg_bot.tests.queue_messages import make_reminder

AT_NINE = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
"""09:00 in Berlin, when the reminders of these tests are due."""

MISSED = {"missed_count": 3, "first_missed_at": AT_NINE - timedelta(days=3)}


def render(
    text: str = "stretch", late: timedelta = timedelta(), language: Language = "en", **fields: Any
) -> RenderedMessage:
    context = TextContext(get_translation(language), "UTC", AT_NINE + late)
    return render_notification(make_reminder(text, AT_NINE, **fields), context)


def test_punctual_reminder_shows_only_its_text() -> None:
    assert render("*stretch* <b>{x}", timedelta(seconds=60)).text.text == "⏰ *stretch* <b>{x}"


@pytest.mark.parametrize(
    ("late", "language", "text"),
    [
        (timedelta(seconds=61), "en", "⏰ stretch\n\n(was due 09:00)"),
        (timedelta(days=2), "en", "⏰ stretch\n\n(was due Fri 27 Nov 09:00)"),
        (timedelta(days=2), "ru", "⏰ stretch\n\n(было назначено на пт 27 нояб. 09:00)"),
    ],
)
def test_late_reminder_shows_when_it_was_due(
    late: timedelta, language: Language, text: str
) -> None:
    assert render(late=late, language=language).text.text == text


@pytest.mark.parametrize(
    ("fields", "language", "text"),
    [
        (MISSED, "en", "(3 earlier times since Tue 24 Nov 09:00 were missed)"),
        (MISSED | {"missed_count": 1}, "en", "(1 earlier time was missed: Tue 24 Nov 09:00)"),
        (MISSED, "ru", "(до этого пропущено 3 раза, начиная с вт 24 нояб. 09:00)"),
        (
            {"missed_count": 6, "first_missed_at": AT_NINE - timedelta(hours=1)},
            "en",
            "(6 earlier times since 08:00 were missed)",
        ),
    ],
)
def test_missed_times_are_counted(fields: dict[str, Any], language: Language, text: str) -> None:
    assert render(language=language, **fields).text.text == f"⏰ stretch\n\n{text}"


@pytest.mark.parametrize(
    ("language", "labels"),
    [
        ("en", [["Done"], ["+10 min", "+1 h", "Tomorrow"]]),
        ("ru", [["Готово"], ["+10 мин", "+1 ч", "Завтра"]]),
    ],
)
def test_reminder_has_buttons_with_the_id_of_its_run(
    language: Language, labels: list[list[str]]
) -> None:
    message = make_reminder("stretch", AT_NINE)
    context = TextContext(get_translation(language), "UTC", AT_NINE)
    rows = render_notification(message, context).button_rows

    assert [[button.label for button in row] for row in rows] == labels
    data = [button.data for row in rows for button in row]
    kinds = ["done", "snooze_10m", "snooze_1h", "snooze_1d"]
    assert data == [f"{kind}:{message.run_id}" for kind in kinds]
    assert all(len(one.encode()) <= 64 for one in data)


def test_reminder_in_a_group_has_no_buttons() -> None:
    assert render(chat_id=-100500).button_rows == ()


def test_report_says_that_the_request_was_not_executed() -> None:
    report = render("tell me the news", timedelta(hours=2), is_report=True, **MISSED)
    assert report.text.text == (
        "I did not execute your scheduled request, because it was too late:\n"
        "tell me the news\n\n"
        "(was due 09:00)\n"
        "(3 earlier times since Tue 24 Nov 09:00 were missed)"
    )
    assert report.button_rows == ()


def test_report_of_earlier_times_says_that_the_request_is_executed() -> None:
    run_id = uuid4()
    report = render(
        "tell me the news",
        timedelta(minutes=5),
        is_report=True,
        id=f"missed:{run_id}",
        run_id=run_id,
        **MISSED,
    )
    assert report.text.text == (
        "Earlier times of your scheduled request were missed. I am executing it now:\n"
        "tell me the news\n\n"
        "(3 earlier times since Tue 24 Nov 09:00 were missed)"
    )
    assert report.button_rows == ()
