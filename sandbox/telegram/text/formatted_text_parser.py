"""Parsing of texts: markup or entities are parsed, validated and trimmed; links are detected."""

import re
from dataclasses import replace
from itertools import accumulate
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.text.entities import (
    QUOTE_TYPES,
    SPLITTABLE_TYPES,
    Entity,
    FormattedText,
    get_utf16_offsets,
    nest_entities,
    sort_key,
    utf16_length,
)
from sandbox.telegram.text.entity_detection import add_detected_entities
from sandbox.telegram.text.html import HtmlParser
from sandbox.telegram.text.legacy_markdown import LegacyMarkdownParser
from sandbox.telegram.text.links import InvalidLink, normalize_link
from sandbox.telegram.text.markdown_v2 import MarkdownV2Parser
from sandbox.telegram.text.markup_parser import MarkupError, MarkupParser

MAX_TEXT_LENGTH = 4096
MAX_TEXT_BYTES = 32_768

_PARSERS: dict[str, type[MarkupParser]] = {
    "html": HtmlParser,
    "markdown": LegacyMarkdownParser,
    "markdownv2": MarkdownV2Parser,
}
_ENTITY_FIELDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((*SPLITTABLE_TYPES, *QUOTE_TYPES, "code"), ()),
    "pre": ("language",),
    "text_link": ("url",),
    "text_mention": ("user",),
    "date_time": ("unix_time", "date_time_format"),
}
"""Types that a bot may set, with their additional fields."""
_IGNORED_TYPES = "mention hashtag cashtag bot_command url email phone_number custom_emoji"
"""Types that only Telegram sets, and custom emoji, which this bot may not use."""
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x09\x0b-\x1f]")


def parse_formatted_text(
    text: str, *, parse_mode: str = "", entities: Any = None, may_be_empty: bool = False
) -> FormattedText:
    """Parse a text. `entities` is decoded JSON and is ignored if a parse mode is given.

    Raises BotApiError with Telegram's error text.
    """
    if not text and not may_be_empty:
        raise bad_request("message text is empty")
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise bad_request("text is too long")
    mode = parse_mode.lower()
    if mode and mode != "none":
        plain, found = _parse_markup(text, mode)
    else:
        plain, found = text, _parse_entities(entities, text)
    formatted = _trim(*_remove_control_characters(plain, found))
    if not formatted.text and not may_be_empty:
        raise bad_request("text must be non-empty")
    if utf16_length(formatted.text) > MAX_TEXT_LENGTH:
        raise bad_request("message is too long")
    return add_detected_entities(formatted)


def _parse_markup(text: str, mode: str) -> tuple[str, list[Entity]]:
    if mode not in _PARSERS:
        raise bad_request("unsupported parse_mode")
    try:
        return _PARSERS[mode](text).parse()
    except MarkupError as error:
        raise bad_request(f"can't parse entities: {error}") from error


def _parse_entities(entities: Any, text: str) -> list[Entity]:
    if entities is None:
        return []
    if not isinstance(entities, list):
        raise bad_request("can't parse entities: expected an Array of MessageEntity")
    bounds = get_utf16_offsets(text)
    parsed = [_parse_entity(entity, bounds) for entity in entities]
    return [entity for entity in parsed if entity is not None]


def _parse_entity(given: Any, bounds: list[int]) -> Entity | None:
    if not isinstance(given, dict):
        raise bad_request("can't parse MessageEntity: expected an Object")
    kind: str = _require_field(given, "type", str)
    offset: int = _require_field(given, "offset", int)
    length: int = _require_field(given, "length", int)
    if kind in _IGNORED_TYPES.split() or (kind in _ENTITY_FIELDS and length <= 0):
        return None
    if kind not in _ENTITY_FIELDS:
        raise bad_request("can't parse MessageEntity: Unsupported type specified")
    details = {name: given[name] for name in _ENTITY_FIELDS[kind] if given.get(name)}
    if kind == "text_link":
        details = {"url": _normalize_link(str(given.get("url") or ""))}
    entity = Entity(kind, offset, length, details)
    _validate_bounds(entity, bounds)
    return entity


def _require_field(given: dict[str, Any], name: str, kind: type) -> Any:
    if name not in given:
        raise bad_request(f"can't parse MessageEntity: Can't find field \"{name}\"")
    if not isinstance(given[name], kind):
        raise bad_request(f'can\'t parse MessageEntity: Field "{name}" has a wrong type')
    return given[name]


def _normalize_link(url: str) -> str:
    if not url:
        raise bad_request("entity URL must be non-empty")
    try:
        return normalize_link(url)
    except InvalidLink as error:
        raise bad_request(f"entity URL '{url}' is invalid: {error}") from error


def _validate_bounds(entity: Entity, bounds: list[int]) -> None:
    begin, end = entity.offset, entity.end
    where = f"entity beginning at UTF-16 offset {begin} ends"
    if not 0 <= begin < bounds[-1]:
        raise bad_request(f"entity begins after the end of the text at UTF-16 offset {begin}")
    if begin not in bounds:
        raise bad_request(f"entity begins in a middle of a UTF-16 symbol at UTF-16 offset {begin}")
    if end > bounds[-1]:
        raise bad_request(f"{where} after the end of the text at UTF-16 offset {end}")
    if end not in bounds:
        raise bad_request(f"{where} in a middle of a UTF-16 symbol at UTF-16 offset {end}")


def _remove_control_characters(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Remove carriage returns; replace other control characters except line feeds by spaces."""
    units = (character for character in text for _ in range(utf16_length(character)))
    offsets = [*accumulate((unit != "\r" for unit in units), initial=0)]
    moved = [
        replace(e, offset=offsets[e.offset], length=offsets[e.end] - offsets[e.offset])
        for e in entities
    ]
    return _CONTROL_CHARACTERS.sub(" ", text.replace("\r", "")), moved


def _trim(text: str, entities: list[Entity]) -> FormattedText:
    """Remove space at both ends, at the start only up to the first entity."""
    stripped = text.rstrip()
    end = utf16_length(stripped)
    entities = [replace(e, length=min(e.end, end) - e.offset) for e in entities if e.offset < end]
    entities.sort(key=sort_key)
    leading = len(stripped) - len(stripped.lstrip())
    if entities:
        leading = min(leading, entities[0].offset)
    moved = [replace(e, offset=e.offset - leading) for e in entities]
    return FormattedText(stripped[leading:], nest_entities(moved))
