from datetime import UTC, datetime
from typing import Any

import pytest

from smart_kit.settings import Language
from tg_bot.src.texts.receipts import _WORDS, EFFECT_KINDS, describe_effect
from tg_bot.src.texts.translations import Translations
from tg_bot.tests.messages import effect

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WEEKLY = {"cron_expression": "0 9 * * 5", "at": None}


def receipt(language: Language = "en", **facts: Any) -> str:
    kind = facts.pop("kind", "reminder_created")
    words = Translations("en").of(language)
    return describe_effect(effect(kind, **facts), words, language, NOW)


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
            {"next_fire_at": None, "at": None},
            "✓ Reminder: call Anna",
            "✓ Напоминание: call Anna",
        ),
    ],
)
def test_a_receipt_says_what_was_done(facts: dict[str, Any], english: str, russian: str) -> None:
    assert receipt("en", **facts) == english
    assert receipt("ru", **facts) == russian


def test_a_long_text_is_shortened_to_one_line() -> None:
    said = receipt(text="buy\nmilk " * 50)
    assert "\n" not in said
    assert said.endswith("…")
    assert len(said) < 140


@pytest.mark.parametrize("facts", [{"timezone": "Mars/Base"}, {"text": None}, {"at": "soon"}])
def test_facts_that_cannot_be_read_still_say_that_something_was_done(
    facts: dict[str, Any],
) -> None:
    assert receipt(**facts) == "✓ Reminder"


def test_every_kind_of_effect_has_words() -> None:
    assert {kind for kind, _ in _WORDS} == set(EFFECT_KINDS)
    assert {what for _, what in _WORDS} == {"reminder", "prompt"}
    assert len(_WORDS) == 2 * len(EFFECT_KINDS)
