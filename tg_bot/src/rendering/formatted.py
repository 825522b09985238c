"""Text with Telegram's formatting; offsets and lengths are UTF-16 code units."""

import unicodedata
from dataclasses import dataclass, replace
from typing import Any

from telegramify_markdown.entity import MessageEntity, utf16_len


@dataclass(frozen=True)
class Formatted:
    """A text and what is bold, code or a link in it."""

    text: str
    entities: tuple[MessageEntity, ...] = ()

    @property
    def length(self) -> int:
        """In UTF-16 code units, as Telegram counts."""
        return utf16_len(self.text)

    @property
    def is_blank(self) -> bool:
        """Whether nobody would see anything; Telegram refuses such a text."""
        return is_blank(self.text)

    def entities_json(self) -> list[dict[str, Any]]:
        """The entities as the Bot API takes them."""
        return [entity.to_dict() for entity in self.entities]

    def plain(self) -> "Formatted":
        """The same text without formatting."""
        return Formatted(self.text)

    def insert(self, position: int, text: str) -> "Formatted":
        """With a text put in at a position of the string; an entity around it grows."""
        offset, added = utf16_len(self.text[:position]), utf16_len(text)
        return Formatted(
            self.text[:position] + text + self.text[position:],
            tuple(_shifted(entity, offset, added) for entity in self.entities),
        )

    def followed_by(self, text: str) -> "Formatted":
        """With a text at the end, a blank line between; alone where there is nothing yet."""
        begun = self.text.rstrip()
        if not begun:
            return Formatted(text)
        end = utf16_len(begun)
        entities = (
            replace(entity, length=min(entity.length, end - entity.offset))
            for entity in self.entities
            if entity.offset < end
        )
        return Formatted(f"{begun}\n\n{text}", tuple(entities))


def is_blank(text: str) -> bool:
    """Whether nobody would see any of it."""
    return all(one.isspace() or unicodedata.category(one) in ("Cc", "Cf") for one in text)


def _shifted(entity: MessageEntity, offset: int, added: int) -> MessageEntity:
    """An entity that begins at the offset moves; one that ends there stays as it is."""
    if entity.offset >= offset:
        return replace(entity, offset=entity.offset + added)
    if entity.offset + entity.length > offset:
        return replace(entity, length=entity.length + added)
    return entity
