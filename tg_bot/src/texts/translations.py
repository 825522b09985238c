"""Translations, by gettext from `.po` files, and the choice of a user's language."""

import gettext
from io import BytesIO
from pathlib import Path
from typing import TypeAlias, get_args

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from smart_kit.contracts.users import UserSnapshot
from smart_kit.settings import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)

Translation: TypeAlias = gettext.NullTranslations
"""The translations of one language: `gettext` and `ngettext`."""


def N_(message: str) -> str:  # noqa: N802 # gettext's own name for "to be translated later"
    """Mark a text for extraction. It is translated where it is used."""
    return message


class Translations:
    """The translations of all languages."""

    def __init__(self, default: Language) -> None:
        self._default = default
        self._by_language = {language: _load_translation(language) for language in LANGUAGES}

    def for_language(self, language: Language) -> Translation:
        """Return the translations of a language."""
        return self._by_language[language]

    def negotiate(self, language_code: str | None, user: UserSnapshot | None) -> Language:
        """Return the user's choice, else the language of their Telegram app, else the default."""
        if user is not None and user.language is not None:
            return user.language
        code = language_code or (user.language_code if user else None) or ""
        primary_subtag = code.lower().replace("_", "-").partition("-")[0]
        return next(
            (language for language in LANGUAGES if language == primary_subtag), self._default
        )


def _load_translation(language: Language) -> Translation:
    path = Path(__file__).with_name(f"{language}.po")
    if not path.exists():  # English is the source language
        return gettext.NullTranslations()
    with path.open("rb") as source:
        catalog = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
