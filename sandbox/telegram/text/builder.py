"""What the three markup parsers share: where they are, what they wrote, what they found."""

from typing import Any

from sandbox.telegram.text.entities import Entity, utf16_length
from sandbox.telegram.text.links import WrongLink, checked_link, linked_time, mentioned_user

SPACES = " \t\r\n\v\0"


class MarkupError(ValueError):
    """The markup is broken; the text is Telegram's own, with byte offsets of the source."""


class Builder:
    """A cursor over the source and the plain text written so far."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0
        self.written: list[str] = []
        self.length = 0
        self.entities: list[Entity] = []

    def at_end(self) -> bool:
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
        self.written.append(text)
        self.length += utf16_length(text)

    def text(self) -> str:
        """The plain text so far."""
        return "".join(self.written)

    def byte_offset(self, position: int) -> int:
        """Telegram names places of the source in bytes of UTF-8."""
        return len(self.source[:position].encode())

    def add(self, kind: str, start: int, **details: Any) -> None:
        """An entity from there up to here, unless it is empty."""
        if self.length > start:
            self.entities.append(Entity(kind, start, self.length - start, details))

    def add_link(self, start: int, url: str) -> None:
        """A link, a mention or nothing: wrong addresses leave plain text, as in Telegram."""
        user_id = mentioned_user(url)
        if user_id is not None:
            self.add("text_mention", start, user={"id": user_id})
            return
        try:
            self.add("text_link", start, url=checked_link(url))
        except WrongLink:
            return

    def add_time(self, start: int, url: str) -> bool:
        """A moment shown in the reader's zone; False where the address is none."""
        moment = linked_time(url)
        if moment is None:
            return False
        unix_time, shape = moment
        self.add("date_time", start, unix_time=unix_time, **_shape(shape))
        return True


def _shape(date_time_format: str) -> dict[str, str]:
    return {"date_time_format": date_time_format} if date_time_format else {}
