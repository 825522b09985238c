"""Formatted text as Telegram stores it: plain text and ranges in UTF-16 code units."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from typing import Any

SPLITTABLE_TYPES = ("bold", "italic", "underline", "strikethrough", "spoiler")
"""Types that may overlap others: Telegram splits them at the overlap."""
QUOTE_TYPES = ("blockquote", "expandable_blockquote")
OPAQUE_TYPES = ("code", "pre")
"""Types that contain no other entity."""

_NESTING_ORDER = (*QUOTE_TYPES, "pre", "code", "text_link", "text_mention", "date_time")


@dataclass(frozen=True)
class Entity:
    """A formatted range of a text; `details` are the fields of its type (url, language, …)."""

    type: str
    offset: int
    length: int
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """The offset after the last code unit."""
        return self.offset + self.length

    def to_json(self) -> dict[str, Any]:
        """Return a `MessageEntity` of the Bot API."""
        position = {"type": self.type, "offset": self.offset, "length": self.length}
        return {**position, **self.details}


@dataclass(frozen=True)
class FormattedText:
    """A text with sorted and properly nested entities."""

    text: str
    entities: tuple[Entity, ...] = ()

    def entities_to_json(self) -> list[dict[str, Any]]:
        """Return the entities as `MessageEntity` objects."""
        return [entity.to_json() for entity in self.entities]


def sort_key(entity: Entity) -> tuple[int, int, int]:
    """Sort outer entities before inner ones."""
    rank = [*_NESTING_ORDER, entity.type].index(entity.type)
    return entity.offset, -entity.length, rank


def utf16_length(text: str) -> int:
    """Return the length in UTF-16 code units, which is how Telegram counts."""
    return len(text) + sum(character > "\uffff" for character in text)


def get_utf16_offsets(text: str) -> list[int]:
    """Return the offsets of all character boundaries, in UTF-16 code units."""
    return [*accumulate(map(utf16_length, text), initial=0)]


def overlaps(first: Entity, second: Entity) -> bool:
    """Return whether two entities share a part of the text."""
    return first.offset < second.end and second.offset < first.end


def nest_entities(entities: list[Entity]) -> tuple[Entity, ...]:
    """Return the entities without partial overlaps, as Telegram stores them."""
    entities = sorted((entity for entity in entities if entity.length > 0), key=sort_key)
    solid: list[Entity] = []
    for entity in entities:
        if entity.type not in SPLITTABLE_TYPES and _can_place(entity, solid):
            solid.append(entity)
    opaque = [entity for entity in solid if entity.type in OPAQUE_TYPES]
    placed = list(solid)
    for kind in SPLITTABLE_TYPES:
        for entity in _merge_overlapping([entity for entity in entities if entity.type == kind]):
            pieces = _split_at_edges(entity, placed)
            placed += [
                piece for piece in pieces if not any(_contains(code, piece) for code in opaque)
            ]
    return tuple(sorted(placed, key=sort_key))


def _contains(outer: Entity, inner: Entity) -> bool:
    return outer.offset <= inner.offset and inner.end <= outer.end


def _can_place(entity: Entity, placed: list[Entity]) -> bool:
    """Return whether an entity overlaps no other one, except quotes that contain it."""
    return all(
        other.type in QUOTE_TYPES and entity.type not in QUOTE_TYPES and _contains(other, entity)
        for other in placed
        if overlaps(entity, other)
    )


def _merge_overlapping(entities: list[Entity]) -> list[Entity]:
    """Merge overlapping entities of one type."""
    merged: list[Entity] = []
    for entity in entities:
        if merged and entity.offset < merged[-1].end:
            length = max(entity.end, merged[-1].end) - merged[-1].offset
            merged[-1] = replace(merged[-1], length=length)
        else:
            merged.append(entity)
    return merged


def _split_at_edges(entity: Entity, placed: list[Entity]) -> list[Entity]:
    """Split an entity at the edges of entities that it overlaps partly."""
    edges = {entity.offset, entity.end}
    for other in placed:
        if overlaps(entity, other) and not _contains(entity, other):
            edges |= {other.offset, other.end}
    inner = sorted(edge for edge in edges if entity.offset <= edge <= entity.end)
    return [replace(entity, offset=start, length=end - start) for start, end in pairwise(inner)]
