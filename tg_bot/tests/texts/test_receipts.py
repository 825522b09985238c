from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from smart_kit.contracts.effects import EffectKind, EffectRead
from smart_kit.settings import Language
from tg_bot.src.texts.receipts import (
    EVENT_TITLES,
    REMINDER_TITLES,
    describe_effect,
)
from tg_bot.src.texts.text_context import TextContext
from tg_bot.src.texts.translations import get_translation
from tg_bot.tests.queue_messages import make_effect, make_effect_from

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WEEKLY = {"cron_expression": "0 9 * * 5", "at": None}


def render_receipt(language: Language = "en", **facts: Any) -> str:
    kind = facts.pop("kind", "reminder_created")
    return describe_effect(make_effect(kind, **facts), make_context(language))


def make_context(language: Language = "en") -> TextContext:
    """A user in Berlin."""
    return TextContext(get_translation(language), "Europe/Berlin", NOW)


@pytest.mark.parametrize(
    ("facts", "english", "russian"),
    [
        (
            {},
            "✓ Reminder: Fri 27 Nov 09:00 Europe/Berlin — call Anna",
            "✓ Напоминание: пт 27 нояб. 09:00 Europe/Berlin — call Anna",
        ),
        (
            WEEKLY,
            "✓ Reminder: Fri 27 Nov 09:00 Europe/Berlin, weekly — call Anna",
            "✓ Напоминание: пт 27 нояб. 09:00 Europe/Berlin, еженедельно — call Anna",
        ),
        (
            {"kind": "reminder_cancelled"},
            "✓ Reminder cancelled: Fri 27 Nov 09:00 Europe/Berlin — call Anna",
            "✓ Напоминание отменено: пт 27 нояб. 09:00 Europe/Berlin — call Anna",
        ),
        (
            {"type": "prompt", "kind": "reminder_changed"},
            "✓ Scheduled request changed: Fri 27 Nov 09:00 Europe/Berlin — call Anna",
            "✓ Запрос по расписанию изменён: пт 27 нояб. 09:00 Europe/Berlin — call Anna",
        ),
        (
            {"next_fire_at": "2027-01-04T08:00:07+00:00", "timezone": "Asia/Tokyo"},
            "✓ Reminder: Mon 4 Jan 2027 17:00:07 Asia/Tokyo — call Anna",
            "✓ Напоминание: пн 4 янв. 2027 17:00:07 Asia/Tokyo — call Anna",
        ),
        (
            {"rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"},
            "✓ Reminder: Fri 27 Nov 09:00 Europe/Berlin, every 2 weeks — call Anna",
            "✓ Напоминание: пт 27 нояб. 09:00 Europe/Berlin, каждые 2 недели — call Anna",
        ),
        (
            {"next_fire_at": None, "at": None},
            "✓ Reminder: call Anna",
            "✓ Напоминание: call Anna",
        ),
    ],
)
def test_reminder_receipt_describes_the_change(
    facts: dict[str, Any], english: str, russian: str
) -> None:
    assert render_receipt("en", **facts) == english
    assert render_receipt("ru", **facts) == russian


def test_long_text_is_truncated_to_one_line() -> None:
    receipt = render_receipt(text="buy\nmilk " * 50)
    assert "\n" not in receipt
    assert receipt.endswith("…")
    assert len(receipt) < 140


@pytest.mark.parametrize("facts", [{"timezone": "Mars/Base"}, {"text": None}, {"at": "soon"}])
def test_unreadable_effect_has_a_fallback_receipt(
    facts: dict[str, Any],
) -> None:
    assert render_receipt(**facts) == "✓ Reminder"


@pytest.mark.parametrize(
    ("made", "english", "russian"),
    [
        (make_effect("reminder_cancelled"), "Reminder removed", "Напоминание убрано"),
        (make_effect("reminder_created"), "Reminder restored", "Напоминание восстановлено"),
        (
            make_effect("reminder_changed", type="prompt"),
            "Scheduled request reverted",
            "Запрос по расписанию возвращён к прежнему виду",
        ),
    ],
)
def test_undo_receipt_has_its_own_title(made: EffectRead, english: str, russian: str) -> None:
    undo = made.model_copy(update={"undoes": made.id})
    facts = "Europe/Berlin — call Anna"
    assert describe_effect(undo, make_context("en")) == f"↩ {english}: Fri 27 Nov 09:00 {facts}"
    assert describe_effect(undo, make_context("ru")) == f"↩ {russian}: пт 27 нояб. 09:00 {facts}"
    unreadable = undo.model_copy(update={"before": {}, "after": {"text": None}})
    assert describe_effect(unreadable, make_context()) == "↩ Reminder"


def test_every_kind_of_effect_has_titles() -> None:
    kinds = set(get_args(EffectKind))
    reminder_kinds = {kind for kind, _ in REMINDER_TITLES}
    assert len(REMINDER_TITLES) == 2 * len(reminder_kinds)
    others = {"task_created", "task_changed", "settings_changed"}
    assert reminder_kinds | set(EVENT_TITLES) | others == kinds
    for kind in kinds:
        unreadable = make_effect_from(kind, after={"nothing": "known"})
        assert len(describe_effect(unreadable, make_context())) > 5


TASK = {"title": "buy milk", "status": "open", "due_at": None, "priority": "normal"}
DUE = {"due_at": "2026-11-27T17:00:00Z"}
TODAY = {"due_at": "2026-11-21T22:59:59Z"}


@pytest.mark.parametrize(
    ("before", "after", "english", "russian"),
    [
        (None, {}, "✓ Task: buy milk", "✓ Задача: buy milk"),
        (
            None,
            DUE,
            "✓ Task: buy milk, due Fri 27 Nov 18:00 Europe/Berlin",
            "✓ Задача: buy milk, срок пт 27 нояб. 18:00 Europe/Berlin",
        ),
        (
            None,
            TODAY | {"priority": "high"},
            "✓ Task: buy milk, due Sat 21 Nov, high priority",
            "✓ Задача: buy milk, срок сб 21 нояб., высокий приоритет",
        ),
        (DUE, DUE | {"status": "done"}, "✓ Task done: buy milk", "✓ Задача выполнена: buy milk"),
        ({}, {"status": "cancelled"}, "✓ Task cancelled: buy milk", "✓ Задача отменена: buy milk"),
        (
            {"status": "done"},
            DUE,
            "✓ Task reopened: buy milk, due Fri 27 Nov 18:00 Europe/Berlin",
            "✓ Задача снова открыта: buy milk, срок пт 27 нояб. 18:00 Europe/Berlin",
        ),
        (
            DUE,
            {"title": "buy oat milk"},
            "✓ Task changed: buy oat milk, no longer due",
            "✓ Задача изменена: buy oat milk, теперь без срока",
        ),
    ],
)
def test_task_receipt_describes_the_change(
    before: dict[str, Any] | None, after: dict[str, Any], english: str, russian: str
) -> None:
    made = make_effect_from(
        "task_created" if before is None else "task_changed",
        before=None if before is None else TASK | before,
        after=TASK | after,
    )
    assert describe_effect(made, make_context("en")) == english
    assert describe_effect(made, make_context("ru")) == russian


@pytest.mark.parametrize(
    ("before", "after", "receipt"),
    [
        ({}, {"status": "cancelled"}, "↩ Task removed: buy milk"),
        ({"status": "done"}, {}, "↩ Task reopened: buy milk"),
        ({"title": "buy oat milk"}, {}, "↩ Task reverted: buy milk"),
    ],
)
def test_undone_task_has_its_own_title(
    before: dict[str, Any], after: dict[str, Any], receipt: str
) -> None:
    made = make_effect_from("task_changed", before=TASK | before, after=TASK | after)
    assert describe_effect(made.model_copy(update={"undoes": made.id}), make_context()) == receipt


EVENT = {
    "title": "dentist",
    "starts_at": "2026-11-27T08:00:00Z",
    "ends_at": "2026-11-27T09:30:00Z",
    "timezone": "Europe/Berlin",
    "is_all_day": False,
    "location": "Main Street 1",
}
TRIP = EVENT | {
    "title": "trip",
    "starts_at": "2026-11-26T23:00:00Z",
    "ends_at": "2026-11-28T23:00:00Z",
    "is_all_day": True,
    "location": "",
}


@pytest.mark.parametrize(
    ("event", "english", "russian"),
    [
        (
            EVENT,
            "✓ Event: Fri 27 Nov 09:00–10:30 Europe/Berlin — dentist, Main Street 1",
            "✓ Событие: пт 27 нояб. 09:00–10:30 Europe/Berlin — dentist, Main Street 1",
        ),
        (
            EVENT | {"ends_at": "2026-11-28T08:00:00Z", "location": "", "timezone": "Asia/Tokyo"},
            "✓ Event: Fri 27 Nov 17:00–Sat 28 Nov 17:00 Asia/Tokyo — dentist",
            "✓ Событие: пт 27 нояб. 17:00–сб 28 нояб. 17:00 Asia/Tokyo — dentist",
        ),
        (
            TRIP,
            "✓ Event: Fri 27 Nov–Sat 28 Nov — trip",
            "✓ Событие: пт 27 нояб.–сб 28 нояб. — trip",
        ),
        (
            TRIP | {"ends_at": "2026-11-27T23:00:00Z"},
            "✓ Event: Fri 27 Nov — trip",
            "✓ Событие: пт 27 нояб. — trip",
        ),
        (  # the clock change skips the midnight at which the day would end
            TRIP
            | {
                "starts_at": "2027-04-28T22:00:00Z",
                "ends_at": "2027-04-29T22:00:00Z",
                "timezone": "Africa/Cairo",
            },
            "✓ Event: Thu 29 Apr 2027 — trip",
            "✓ Событие: чт 29 апр. 2027 — trip",
        ),
    ],
)
def test_event_receipt_shows_time_and_location(
    event: dict[str, Any], english: str, russian: str
) -> None:
    made = make_effect_from("event_created", after=event)
    assert describe_effect(made, make_context("en")) == english
    assert describe_effect(made, make_context("ru")) == russian
    gone = make_effect_from("event_cancelled", before=event)
    assert describe_effect(gone, make_context("en")) == english.replace("Event", "Event cancelled")
    undo = gone.model_copy(update={"undoes": made.id})
    assert describe_effect(undo, make_context("en")) == english.replace(
        "✓ Event", "↩ Event removed"
    )


@pytest.mark.parametrize(
    ("before", "after", "english", "russian"),
    [
        (
            {"timezone": None, "language": None},
            {"timezone": "Europe/Lisbon", "language": None},
            "✓ Time zone: Europe/Lisbon, it is 12:00 there",
            "✓ Часовой пояс: Europe/Lisbon, там сейчас 12:00",
        ),
        (
            {"timezone": "Europe/Lisbon", "language": "ru"},
            {"timezone": "Europe/Lisbon", "language": "en"},
            "✓ Language: English",
            "✓ Язык: English",
        ),
        (
            {},
            {"timezone": "Asia/Tokyo", "language": "ru"},
            "✓ Time zone: Asia/Tokyo, it is 21:00 there; Language: Русский",
            "✓ Часовой пояс: Asia/Tokyo, там сейчас 21:00; Язык: Русский",
        ),
        (
            {"timezone": "Asia/Tokyo", "language": "ru"},
            {"timezone": None, "language": None},
            "✓ Time zone: not chosen; Language: as in Telegram",
            "✓ Часовой пояс: не выбран; Язык: как в Telegram",
        ),
        ({}, {}, "✓ Settings", "✓ Настройки"),
    ],
)
def test_settings_receipt_shows_what_changed(
    before: dict[str, Any], after: dict[str, Any], english: str, russian: str
) -> None:
    made = make_effect_from("settings_changed", before=before, after=after)
    assert describe_effect(made, make_context("en")) == english
    assert describe_effect(made, make_context("ru")) == russian
    undo = made.model_copy(update={"undoes": made.id})
    assert describe_effect(undo, make_context("en")) == english.replace("✓", "↩")
