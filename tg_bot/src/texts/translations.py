"""Whose language, and its words: gettext over `.po` files, which are read at the start."""

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
"""The words of one language: `gettext` and `ngettext`."""


def N_(message: str) -> str:  # noqa: N802 # gettext's own name for "to be translated later"
    """Marks a text for extraction where it is declared; it is translated where it is used."""
    return message


class Translations:
    """The words of every language, and the one to use for a person."""

    def __init__(self, default: Language) -> None:
        self._default = default
        self._by_language = {language: _load_translation(language) for language in LANGUAGES}

    def for_language(self, language: Language) -> Translation:
        """The words of a language."""
        return self._by_language[language]

    def negotiate(self, language_code: str | None, person: UserSnapshot | None) -> Language:
        """The person's choice, else what Telegram says of them, else the deployment's default."""
        if person is not None and person.language is not None:
            return person.language
        code = language_code or (person.language_code if person else None) or ""
        primary_subtag = code.lower().replace("_", "-").partition("-")[0]
        return next(
            (language for language in LANGUAGES if language == primary_subtag), self._default
        )


def _load_translation(language: Language) -> Translation:
    path = Path(__file__).with_name(f"{language}.po")
    if not path.exists():  # English is what the code says
        return gettext.NullTranslations()
    with path.open("rb") as source:
        catalog = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
