"""What the three markup parsers share: where they are, what they wrote, what they found."""

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
    """The markup is broken; the text is Telegram's own, with byte offsets of the source."""


class EntityBuilder:
    """A cursor over the source and the plain text written so far."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0
        self.chunks: list[str] = []
        self.length = 0
        self.entities: list[Entity] = []

    def is_at_end(self) -> bool:
        """Whether everything was read."""
        return self.position >= len(self.source)

    def peek(self, ahead: int = 0) -> str:
        """The character there, or "" behind the end."""
        return self.source[self.position + ahead : self.position + ahead + 1]

    def starts_with(self, prefix: str) -> bool:
        """Whether this comes next."""
        return self.source.startswith(prefix, self.position)

    def write(self, text: str) -> None:
        """Add plain text."""
        self.chunks.append(text)
        self.length += utf16_length(text)

    def get_text(self) -> str:
        """The plain text so far."""
        return "".join(self.chunks)

    def get_byte_offset(self, position: int) -> int:
        """Telegram names places of the source in bytes of UTF-8."""
        return len(self.source[:position].encode())

    def add_entity(self, kind: str, start: int, **details: Any) -> None:
        """An entity from there up to here, unless it is empty."""
        if self.length > start:
            self.entities.append(Entity(kind, start, self.length - start, details))

    def add_link(self, start: int, url: str) -> None:
        """A link, a mention or nothing: wrong addresses leave plain text, as in Telegram."""
        user_id = parse_user_link(url)
        if user_id is not None:
            self.add_entity("text_mention", start, user={"id": user_id})
            return
        try:
            self.add_entity("text_link", start, url=normalize_link(url))
        except InvalidLink:
            return

    def add_time(self, start: int, url: str) -> bool:
        """A moment shown in the reader's zone; False where the address is none."""
        moment = parse_time_link(url)
        if moment is None:
            return False
        unix_time, shape = moment
        self.add_entity("date_time", start, unix_time=unix_time, **_build_format_details(shape))
        return True


def _build_format_details(date_time_format: str) -> dict[str, str]:
    return {"date_time_format": date_time_format} if date_time_format else {}
