"""Text with Telegram's entities. Offsets and lengths of entities are UTF-16 code units."""

import unicodedata
from dataclasses import dataclass, replace
from typing import Any

from telegramify_markdown.entity import MessageEntity, utf16_len


@dataclass(frozen=True)
class FormattedText:
    """A text and its entities."""

    text: str
    entities: tuple[MessageEntity, ...] = ()

    @property
    def length(self) -> int:
        """The length in UTF-16 code units, as Telegram counts."""
        return utf16_len(self.text)

    @property
    def is_blank(self) -> bool:
        """Whether nothing is visible. Telegram refuses such a text."""
        return is_blank(self.text)

    def entities_to_json(self) -> list[dict[str, Any]]:
        """Return the Bot API's `MessageEntity` objects."""
        return [entity.to_dict() for entity in self.entities]

    def to_plain(self) -> "FormattedText":
        """Return the text without entities."""
        return FormattedText(self.text)

    def insert(self, position: int, text: str) -> "FormattedText":
        """Return a copy with text inserted at a string index. Entities around the index grow."""
        offset, added = utf16_len(self.text[:position]), utf16_len(text)
        return FormattedText(
            self.text[:position] + text + self.text[position:],
            tuple(_shift(entity, offset, added) for entity in self.entities),
        )

    def append_paragraph(self, text: str) -> "FormattedText":
        """Return a copy with a further paragraph; only that paragraph if this text is blank."""
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
    """Return whether the text has no visible character."""
    return all(one.isspace() or unicodedata.category(one) in ("Cc", "Cf") for one in text)


def _shift(entity: MessageEntity, offset: int, added: int) -> MessageEntity:
    """Adapt an entity to text inserted at the offset. An entity that ends there is unchanged."""
    if entity.offset >= offset:
        return replace(entity, offset=entity.offset + added)
    if entity.offset + entity.length > offset:
        return replace(entity, length=entity.length + added)
    return entity
