"""Buttons that offer time zones."""

from datetime import UTC, datetime

import pytest

from smart_kit.settings import Language
from tg_bot.src.texts.text_context import TextContext
from tg_bot.src.texts.translations import get_translation
from tg_bot.src.texts.zone_buttons import build_zone_buttons, choose_zones, format_country

NOW = datetime(2026, 11, 27, 14, 5, tzinfo=UTC)


def make_context(language: Language) -> TextContext:
    return TextContext(get_translation(language), "UTC", NOW)


@pytest.mark.parametrize(
    ("zone", "language", "label"),
    [
        ("America/New_York", "en", "New York · 09:05"),
        ("America/New_York", "ru", "Нью-Йорк · 09:05"),
        ("America/Argentina/Buenos_Aires", "en", "Buenos Aires · 11:05"),
        ("UTC", "ru", "UTC · 14:05"),
        ("Etc/GMT+5", "en", "Etc/GMT+5 · 09:05"),
    ],
)
def test_button_shows_the_city_of_a_zone(zone: str, language: Language, label: str) -> None:
    (button,) = build_zone_buttons("timezone", [zone], make_context(language))
    assert (button.label, button.data) == (label, f"timezone:{zone}")


def test_zones_with_the_same_clock_all_year_are_offered_once() -> None:
    zones = ["America/Denver", "America/Phoenix", "America/Boise", "America/Hermosillo"]
    assert choose_zones(zones, NOW) == ["America/Denver", "America/Phoenix"]


def test_unknown_country_is_shown_by_its_code() -> None:
    assert format_country("PT", make_context("ru")) == "Португалия"
    assert format_country("ZZZ", make_context("ru")) == "ZZZ"
