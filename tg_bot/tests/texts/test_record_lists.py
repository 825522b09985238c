from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from smart_kit.contracts.base import Page
from smart_kit.contracts.cron_jobs import CronJobRead
from smart_kit.contracts.tasks import TaskRead
from smart_kit.settings import Language
from tg_bot.src.texts.record_lists import render_reminders, render_tasks
from tg_bot.src.texts.text_context import TextContext
from tg_bot.src.texts.translations import get_translation
from tg_bot.tests.fake_records import FakeRecords

NOW = datetime(2026, 11, 27, 14, 5, tzinfo=UTC)
USER = uuid4()


def make_context(language: Language = "en") -> TextContext:
    return TextContext(get_translation(language), "Europe/Berlin", NOW)


def make_jobs(count: int, total: int) -> Page[CronJobRead]:
    records = FakeRecords()
    items = [records.add_job(USER, f"number {n}", next_fire_at=None) for n in range(count)]
    return Page(items=items, total=total, limit=200, offset=0)


@pytest.mark.parametrize(
    ("count", "total", "note"),
    [
        (100, 100, ""),
        (101, 101, "1 more is not shown."),
        (200, 350, "250 more are not shown."),
    ],
)
def test_list_has_as_many_items_as_buttons_and_counts_the_rest(
    count: int, total: int, note: str
) -> None:
    text, buttons = render_reminders(make_jobs(count, total), make_context())
    assert len(buttons) == 100
    shown, _, hidden = text.partition("\n\n")
    assert len(shown.splitlines()) == 101
    assert hidden == note


def test_zone_of_the_user_is_named_once_and_another_in_its_line() -> None:
    records = FakeRecords()
    zones = ("Europe/Berlin", "Asia/Tokyo", "Europe/Berlin")
    items = [
        records.add_job(USER, f"number {n}", timezone=zone, next_fire_at=NOW + timedelta(hours=n))
        for n, zone in enumerate(zones, 1)
    ]
    page = Page[CronJobRead](items=items, total=3, limit=200, offset=0)
    assert render_reminders(page, make_context()).text == (
        "Your reminders:\n"
        "1. Fri 27 Nov 16:05 — number 1\n"
        "2. Sat 28 Nov 01:05 Asia/Tokyo — number 2\n"
        "3. Fri 27 Nov 18:05 — number 3\n\n"
        "Time zone: Europe/Berlin"
    )


def test_hidden_items_are_counted_in_russian() -> None:
    text, _ = render_reminders(make_jobs(100, 103), make_context("ru"))
    assert text.endswith("\n\nЕщё 3 не показаны.")


def test_labels_of_long_texts_are_short() -> None:
    records = FakeRecords()
    job = records.add_job(USER, "buy\nmilk " * 400, type="prompt")
    page = Page[CronJobRead](items=[job], total=1, limit=200, offset=0)
    text, (button,) = render_reminders(page, make_context("ru"))
    assert len(button.label) <= 32
    assert text.splitlines()[0] == "Ваши напоминания:"
    assert "— запрос по расписанию: buy milk buy milk" in text
    assert len(text) < 200


def test_empty_lists_are_explained() -> None:
    empty = Page[CronJobRead](items=[], total=0, limit=200, offset=0)
    no_tasks = Page[TaskRead](items=[], total=0, limit=200, offset=0)
    for language in ("en", "ru"):
        context = make_context(language)
        texts = {render_reminders(empty, context).text, render_tasks(no_tasks, context).text}
        assert len(texts) == 2
        assert render_reminders(empty, context).buttons == ()
