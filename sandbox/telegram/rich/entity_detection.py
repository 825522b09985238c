"""Links, mentions and commands that Telegram detects in a rich text."""

from typing import Any

from sandbox.telegram.rich.schema import TEXT_STYLES
from sandbox.telegram.text.entities import Entity, FormattedText
from sandbox.telegram.text.entity_detection import add_detected_entities

_SEARCHED_TYPES = frozenset(TEXT_STYLES) - {"code"}
_RENAMED = {"email": ("email_address", "email_address"), "mention": ("mention", "username")}
"""Types with another name, or another name of their value, in rich texts."""


def detect_rich_entities(text: Any) -> Any:
    """Return the text with detected entities; code, links and buttons stay unchanged."""
    if isinstance(text, str):
        return _split_at_entities(text)
    if isinstance(text, list):
        found = [detect_rich_entities(piece) for piece in text]
        return [piece for part in found for piece in (part if isinstance(part, list) else [part])]
    if text.get("type") in _SEARCHED_TYPES:
        return text | {"text": detect_rich_entities(text["text"])}
    return text


def _split_at_entities(text: str) -> Any:
    entities = add_detected_entities(FormattedText(text)).entities
    if not entities:
        return text
    units = text.encode("utf-16-le")
    pieces: list[Any] = []
    end = 0
    for entity in entities:
        pieces += [_slice(units, end, entity.offset), _to_rich_entity(entity, units)]
        end = entity.end
    pieces = [piece for piece in (*pieces, _slice(units, end, len(units) // 2)) if piece]
    return pieces if len(pieces) > 1 else pieces[0]


def _slice(units: bytes, start: int, end: int) -> str:
    return units[2 * start : 2 * end].decode("utf-16-le")


def _to_rich_entity(entity: Entity, units: bytes) -> dict[str, str]:
    text = _slice(units, entity.offset, entity.end)
    if entity.type == "url":
        return {"type": "url", "text": text, "url": text if "://" in text else f"http://{text}"}
    kind, field = _RENAMED.get(entity.type, (entity.type, entity.type))
    return {"type": kind, "text": text, field: text.removeprefix("@")}
