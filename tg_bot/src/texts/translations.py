"""Translations, by gettext from `.po` files, and the choice of a user's language."""

import gettext
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import get_args

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from smart_kit.contracts.users import UserSnapshot
from smart_kit.settings import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)
LANGUAGE_NAMES: dict[Language, str] = {"ru": "Русский", "en": "English"}
"""Each in itself."""


def N_(message: str) -> str:  # noqa: N802 # gettext's own name for "to be translated later"
    """Mark a text for extraction. It is translated where it is used."""
    return message


class Translation:
    """The texts of one language."""

    def __init__(self, language: Language) -> None:
        catalog = _load_catalog(language)
        self.language = language
        self.gettext = catalog.gettext
        self.ngettext = catalog.ngettext


@cache
def get_translation(language: Language) -> Translation:
    """Return the translation into a language; its file is read once."""
    return Translation(language)


def negotiate_language(
    language_code: str | None, user: UserSnapshot | None, default: Language
) -> Language:
    """Return the user's choice, else the language of their Telegram app, else the default."""
    if user is not None and user.language is not None:
        return user.language
    code = language_code or (user.language_code if user else None) or ""
    primary_subtag = code.lower().replace("_", "-").partition("-")[0]
    return next((language for language in LANGUAGES if language == primary_subtag), default)


def _load_catalog(language: Language) -> gettext.NullTranslations:
    path = Path(__file__).with_name(f"{language}.po")
    if not path.exists():  # English is the source language
        return gettext.NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
