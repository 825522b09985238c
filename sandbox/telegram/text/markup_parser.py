"""The base of the three markup parsers: position in the source, plain text and entities."""

import contextlib
import re
from dataclasses import replace
from typing import Any

from sandbox.telegram.text.entities import Entity, get_utf16_offsets
from sandbox.telegram.text.links import (
    InvalidLink,
    find_tg_link_number,
    get_tg_parameter,
    normalize_link,
)

_LANGUAGE = re.compile(r"[^\s`]+(?=\s)")
_LINE_BREAK = re.compile(r"\r\n|\n\r|\n|\r")


class MarkupError(ValueError):
    """Invalid markup; the message is Telegram's, with byte offsets in the source."""


class MarkupParser:
    """A cursor over the source with the plain text and entities built so far."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0
        self.characters: list[str] = []
        """The plain text; until the end of parsing, entities count in its characters."""
        self.entities: list[Entity] = []

    def parse(self) -> tuple[str, list[Entity]]:
        """Return plain text and entities. Raises MarkupError."""
        while self.peek():
            self.read_next()
        self.finish()
        offsets = get_utf16_offsets(self.get_text())
        return self.get_text(), [
            replace(e, offset=offsets[e.offset], length=offsets[e.end] - offsets[e.offset])
            for e in self.entities
        ]

    def read_next(self) -> None:
        """Read the next character, mark or tag."""
        raise NotImplementedError

    def finish(self) -> None:
        """Close or refuse what is open at the end of the source."""

    def peek(self, ahead: int = 0) -> str:
        """Return the next character, or one further ahead; "" after the end."""
        return self.source[self.position + ahead : self.position + ahead + 1]

    def starts_with(self, prefix: str) -> bool:
        """Return whether the rest of the source starts with this prefix."""
        return self.source.startswith(prefix, self.position)

    def read(self, pattern: re.Pattern[str]) -> str:
        """Read what the pattern matches at the position; "" if it does not match."""
        found = pattern.match(self.source, self.position)
        self.position = found.end() if found else self.position
        return found[0] if found else ""

    def read_language(self) -> str:
        """Read the language after the fence of a code block and the line break that ends it."""
        language = self.read(_LANGUAGE)
        self.read(_LINE_BREAK)
        return language

    def write(self, text: str) -> None:
        """Append plain text."""
        self.characters += text

    def write_next(self) -> None:
        """Append the next character as plain text."""
        self.write(self.peek())
        self.position += 1

    def get_text(self, start: int = 0) -> str:
        """Return the plain text built so far."""
        return "".join(self.characters[start:])

    def add_entity(self, kind: str, start: int, **details: Any) -> None:
        """Add an entity from `start` to the current end, unless it is empty."""
        length = len(self.characters) - start
        if length:
            details = {name: value for name, value in details.items() if value}
            self.entities.append(Entity(kind, start, length, details))

    def add_link(self, start: int, url: str) -> None:
        """Add a link or a mention; an invalid URL leaves plain text, as in Telegram."""
        user_id = find_tg_link_number(url, "user", "id")
        if user_id is not None:
            self.add_entity("text_mention", start, user={"id": user_id})
        else:
            with contextlib.suppress(InvalidLink):
                self.add_entity("text_link", start, url=normalize_link(url))

    def add_time(self, start: int, url: str) -> bool:
        """Add a date of a `tg://time` URL; return False for any other URL."""
        moment = find_tg_link_number(url, "time", "unix")
        shape = get_tg_parameter(url, "format")
        if moment is not None:
            self.add_entity("date_time", start, unix_time=moment, date_time_format=shape)
        return moment is not None

    def build_error(self, reason: str, position: int) -> MarkupError:
        """Build an error that names the UTF-8 byte offset of a position."""
        return MarkupError(f"{reason} at byte offset {len(self.source[:position].encode())}")
