"""Every text has a translation, and every translation a text."""

import string
from pathlib import Path
from typing import get_args
from uuid import uuid4

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import tg_bot.src
from smart_kit.contracts.queue import NoticeName
from smart_kit.contracts.users import UserSnapshot
from smart_kit.settings import Language
from tg_bot.src.handlers.commands import COMMANDS
from tg_bot.src.texts.notices import NOTICES
from tg_bot.src.texts.translations import LANGUAGES, get_translation, negotiate_language

SOURCE = Path(tg_bot.src.__file__).parent
KEYWORDS = {"N_": None, "gettext": None, "ngettext": (1, 2)}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    with (SOURCE / "texts" / "ru.po").open("rb") as file:
        return read_po(file, locale="ru")


def test_every_text_is_translated_and_nothing_else_is(catalog: Catalog) -> None:
    extracted = extract_from_dir(SOURCE, [("**.py", "python")], keywords=KEYWORDS)
    wanted = {text for _, _, text, _, _ in extracted}
    translated = {message.id for message in catalog if message.id}

    assert len(wanted) > 30
    assert translated == wanted


def test_translations_are_complete_and_use_the_same_parameters(catalog: Catalog) -> None:
    for message in catalog:
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert len(strings) == (3 if len(ids) == 2 else 1), message.id
        for text in strings:
            assert text.strip(), message.id
            assert not message.fuzzy
            assert _names(text) == _names(ids[0])


def test_every_notice_has_a_text() -> None:
    assert {*NOTICES, "command_reply"} == set(get_args(NoticeName))


def test_every_command_has_a_description_in_both_languages() -> None:
    assert set(LANGUAGES) == {"en", "ru"}
    for command in COMMANDS:
        described = {
            get_translation(language).gettext(command.description) for language in LANGUAGES
        }
        assert len(described) == 2, command.name
        assert all(0 < len(text) <= 256 for text in described)


@pytest.mark.parametrize(
    ("chosen", "app_language", "known", "language"),
    [
        ("ru", "en", "en", "ru"),
        (None, "ru-RU", "en", "ru"),
        (None, "EN_gb", None, "en"),
        (None, None, "ru", "ru"),
        (None, "de", None, "ru"),
        (None, None, None, "ru"),
        (None, "", None, "ru"),
    ],
)
def test_language_is_the_choice_then_telegrams_then_the_default(
    chosen: Language | None, app_language: str | None, known: str | None, language: Language
) -> None:
    user = UserSnapshot(
        id=uuid4(),
        telegram_id=7,
        first_name="",
        role="user",
        status="active",
        is_invited=True,
        language_code=known,
        language=chosen,
        timezone=None,
        assistant_id=None,
        version=1,
    )
    assert negotiate_language(app_language, user, "ru") == language
    if chosen is None and known is None:
        assert negotiate_language(app_language, None, "ru") == language


def _names(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
