"""Links, mentions and commands that Telegram marks by itself in a rich text."""

from typing import Any

from sandbox.telegram.rich.shapes import STYLES
from sandbox.telegram.text.detection import with_detected
from sandbox.telegram.text.entities import Entity, FormattedText

_OPEN = frozenset(STYLES) - {"code"}
_FIELDS = {"email": "email_address", "mention": "username"}


def detected(text: Any) -> Any:
    """The text with what was found in it; code, links and buttons stay as they are."""
    if isinstance(text, str):
        return _split(text)
    if isinstance(text, list):
        found = [detected(one) for one in text]
        return [piece for one in found for piece in (one if isinstance(one, list) else [one])]
    if text.get("type") in _OPEN:
        return text | {"text": detected(text["text"])}
    return text


def _split(text: str) -> Any:
    entities = with_detected(FormattedText(text)).entities
    if not entities:
        return text
    units = text.encode("utf-16-le")
    pieces: list[Any] = []
    end = 0
    for entity in entities:
        pieces += [_slice(units, end, entity.offset), _marked(entity, units)]
        end = entity.end
    pieces = [piece for piece in (*pieces, _slice(units, end, len(units) // 2)) if piece]
    return pieces if len(pieces) > 1 else pieces[0]


def _slice(units: bytes, start: int, end: int) -> str:
    return units[2 * start : 2 * end].decode("utf-16-le")


def _marked(entity: Entity, units: bytes) -> dict[str, str]:
    text = _slice(units, entity.offset, entity.end)
    if entity.type == "url":
        return {"type": "url", "text": text, "url": text if "://" in text else f"http://{text}"}
    kind = "email_address" if entity.type == "email" else entity.type
    field = _FIELDS.get(entity.type, entity.type)
    return {"type": kind, "text": text, field: text.removeprefix("@")}
