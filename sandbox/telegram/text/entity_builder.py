"""The state shared by the three markup parsers: position, plain text and entities."""

from typing import Any

from sandbox.telegram.text.entities import Entity, utf16_length
from sandbox.telegram.text.links import (
    InvalidLink,
    normalize_link,
    parse_time_link,
    parse_user_link,
)

SPACES = " \t\r\n\v\0"


class MarkupError(ValueError):
    """Invalid markup; the message is Telegram's, with byte offsets in the source."""


class EntityBuilder:
    """A cursor over the source with the plain text and entities built so far."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0
        self.chunks: list[str] = []
        self.length = 0
        self.entities: list[Entity] = []

    def is_at_end(self) -> bool:
        """Return whether the source is read completely."""
        return self.position >= len(self.source)

    def peek(self, ahead: int = 0) -> str:
        """Return the next character, or one further ahead; "" after the end."""
        return self.source[self.position + ahead : self.position + ahead + 1]

    def starts_with(self, prefix: str) -> bool:
        """Return whether the rest of the source starts with this prefix."""
        return self.source.startswith(prefix, self.position)

    def write(self, text: str) -> None:
        """Append plain text."""
        self.chunks.append(text)
        self.length += utf16_length(text)

    def get_text(self) -> str:
        """Return the plain text built so far."""
        return "".join(self.chunks)

    def get_byte_offset(self, position: int) -> int:
        """Convert a position to a UTF-8 byte offset, as Telegram's errors name it."""
        return len(self.source[:position].encode())

    def add_entity(self, kind: str, start: int, **details: Any) -> None:
        """Add an entity from `start` to the current end, unless it is empty."""
        if self.length > start:
            self.entities.append(Entity(kind, start, self.length - start, details))

    def add_link(self, start: int, url: str) -> None:
        """Add a link or a mention; an invalid URL leaves plain text, as in Telegram."""
        user_id = parse_user_link(url)
        if user_id is not None:
            self.add_entity("text_mention", start, user={"id": user_id})
            return
        try:
            self.add_entity("text_link", start, url=normalize_link(url))
        except InvalidLink:
            return

    def add_time(self, start: int, url: str) -> bool:
        """Add a date of a `tg://time` URL; return False for any other URL."""
        moment = parse_time_link(url)
        if moment is None:
            return False
        unix_time, shape = moment
        self.add_entity("date_time", start, unix_time=unix_time, **_build_format_details(shape))
        return True


def _build_format_details(date_time_format: str) -> dict[str, str]:
    return {"date_time_format": date_time_format} if date_time_format else {}
