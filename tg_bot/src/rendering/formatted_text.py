"""Text with Telegram's formatting; offsets and lengths are UTF-16 code units."""

import unicodedata
from dataclasses import dataclass, replace
from typing import Any

from telegramify_markdown.entity import MessageEntity, utf16_len


@dataclass(frozen=True)
class FormattedText:
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

    def entities_to_json(self) -> list[dict[str, Any]]:
        """The entities as the Bot API takes them."""
        return [entity.to_dict() for entity in self.entities]

    def to_plain(self) -> "FormattedText":
        """The same text without formatting."""
        return FormattedText(self.text)

    def insert(self, position: int, text: str) -> "FormattedText":
        """With a text put in at a position of the string; an entity around it grows."""
        offset, added = utf16_len(self.text[:position]), utf16_len(text)
        return FormattedText(
            self.text[:position] + text + self.text[position:],
            tuple(_shift(entity, offset, added) for entity in self.entities),
        )

    def append_paragraph(self, text: str) -> "FormattedText":
        """With a text at the end, a blank line between; alone where there is nothing yet."""
        body = self.text.rstrip()
        if not body:
            return FormattedText(text)
        end = utf16_len(body)
        entities = (
            replace(entity, length=min(entity.length, end - entity.offset))
            for entity in self.entities
            if entity.offset < end
        )
        return FormattedText(f"{body}\n\n{text}", tuple(entities))


def is_blank(text: str) -> bool:
    """Whether nobody would see any of it."""
    return all(one.isspace() or unicodedata.category(one) in ("Cc", "Cf") for one in text)


def _shift(entity: MessageEntity, offset: int, added: int) -> MessageEntity:
    """An entity that begins at the offset moves; one that ends there stays as it is."""
    if entity.offset >= offset:
        return replace(entity, offset=entity.offset + added)
    if entity.offset + entity.length > offset:
        return replace(entity, length=entity.length + added)
    return entity
