"""Text with Telegram's entities. Offsets and lengths of entities are UTF-16 code units."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from telegramify_markdown.entity import MessageEntity, utf16_len

MAX_MESSAGE_LENGTH = 4096
"""Telegram's limit, in UTF-16 code units after parsing."""

_JOINERS = "\u200d\ufe0e\ufe0f\u20e3"
"""Zero-width joiner, variation selectors, keycap: they combine with their neighbours."""

_MAX_CLUSTER_LENGTH = 32
"""How far back a cut looks for the boundary of a grapheme cluster."""


@dataclass(frozen=True)
class FormattedText:
    """A text and its entities."""

    text: str
    entities: tuple[MessageEntity, ...] = ()

    @property
    def length(self) -> int:
        """The length in UTF-16 code units, as Telegram counts."""
        return utf16_len(self.text)

    def entities_to_json(self) -> list[dict[str, Any]]:
        """Return the Bot API's `MessageEntity` objects."""
        return [entity.to_dict() for entity in self.entities]

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
    """Return whether the text has no visible character. Telegram refuses such a text."""
    return all(char.isspace() or unicodedata.category(char) in ("Cc", "Cf") for char in text)


def split(formatted: FormattedText, limit: int = MAX_MESSAGE_LENGTH) -> list[FormattedText]:
    """Split between paragraphs, else between lines, else between words; no part is blank.

    telegramify-markdown's splitter is not used: it cuts words, emoji, and code blocks that would
    fit in one message.
    """
    offsets = [0, *accumulate(2 if char > "\uffff" else 1 for char in formatted.text)]
    pieces = (
        _slice(formatted, offsets, start, end)
        for start, end in _iter_ranges(formatted, offsets, limit)
    )
    return [piece for piece in pieces if not is_blank(piece.text)]


def _shift(entity: MessageEntity, offset: int, added: int) -> MessageEntity:
    """Adapt an entity to text inserted at the offset. An entity that ends there is unchanged."""
    if entity.offset >= offset:
        return replace(entity, offset=entity.offset + added)
    if entity.offset + entity.length > offset:
        return replace(entity, length=entity.length + added)
    return entity


def _iter_ranges(
    formatted: FormattedText, offsets: list[int], limit: int
) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each part as string indices."""
    start, last = 0, len(formatted.text)
    while offsets[last] - offsets[start] > limit:
        furthest = bisect_right(offsets, offsets[start] + limit) - 1
        end = _find_code_start(formatted, offsets, start, furthest, limit) or _find_cut(
            formatted.text, start, furthest
        )
        yield start, end
        start = end
    yield start, last


def _find_code_start(
    formatted: FormattedText, offsets: list[int], start: int, furthest: int, limit: int
) -> int | None:
    """Return the start of the code block that would be cut, if it fits in the next part."""
    for entity in formatted.entities:
        end = entity.offset + entity.length
        is_cut = entity.offset <= offsets[furthest] < end
        if entity.type == "pre" and is_cut and entity.length <= limit:
            position = bisect_right(offsets, entity.offset) - 1
            return position if formatted.text[start:position].strip() else None
    return None


def _find_cut(text: str, start: int, furthest: int) -> int:
    """Return the best index to cut at, after `start` and at most `furthest`."""
    half = start + (furthest - start) // 2
    for mark in ("\n\n", "\n", " "):
        found = text.rfind(mark, half, furthest)
        if found >= half and found > start:
            return found + len(mark)
    for end in range(furthest, max(start, furthest - _MAX_CLUSTER_LENGTH), -1):
        if _is_cluster_boundary(text, end):
            return end
    return furthest


def _is_cluster_boundary(text: str, position: int) -> bool:
    """Return whether no grapheme cluster spans the position."""
    before, after = text[position - 1], text[position]
    if before == "\u200d" or after in _JOINERS or unicodedata.combining(after):
        return False
    if "\U0001f3fb" <= after <= "\U0001f3ff":  # a skin tone
        return False
    if "\U0001f1e6" <= after <= "\U0001f1ff":  # a flag consists of two regional indicators
        letters = re.search("[\U0001f1e6-\U0001f1ff]*$", text[max(0, position - 64) : position])
        return letters is None or len(letters[0]) % 2 == 0
    return True


def _slice(formatted: FormattedText, offsets: list[int], start: int, end: int) -> FormattedText:
    """Return a range of the text without empty lines around it, with its entities."""
    while start < end and formatted.text[start] == "\n":
        start += 1
    while start < end and formatted.text[end - 1].isspace():
        end -= 1
    first, last = offsets[start], offsets[end]
    return FormattedText(
        formatted.text[start:end],
        tuple(
            replace(
                entity,
                offset=max(entity.offset, first) - first,
                length=min(entity.offset + entity.length, last) - max(entity.offset, first),
            )
            for entity in formatted.entities
            if entity.offset < last and entity.offset + entity.length > first
        ),
    )
