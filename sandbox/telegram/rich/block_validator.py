"""Validation of the blocks that a bot sends; returns the blocks of the stored message."""

from collections.abc import Callable
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.reply_markup import validate_rich_button
from sandbox.telegram.rich import schema
from sandbox.telegram.rich.entity_detection import detect_rich_entities
from sandbox.telegram.rich.list_labels import LABEL_KINDS, format_label, is_ordered
from sandbox.telegram.rich.media import build_stored_media, is_web_url
from sandbox.telegram.rich.value_checks import (
    build_parse_error,
    check_array,
    check_boolean,
    check_choice,
    check_heading_size,
    check_integer,
    check_object,
    check_string,
)

Block = dict[str, Any]
ViolationCallback = Callable[[str, str], None]
"""Takes the kind of a violation and its detail."""
MAX_BUTTONS = 8
_VERTICAL_ALIGNMENTS = ("top", "middle", "bottom")


class BlockValidator:
    """Validates blocks; every method raises BotApiError with Telegram's error text."""

    def __init__(
        self, on_violation: ViolationCallback, *, is_draft: bool, is_detection_enabled: bool
    ) -> None:
        self._on_violation = on_violation
        self._is_draft = is_draft
        self._is_detection_enabled = is_detection_enabled
        self._validators: dict[str, Callable[[Any], Any]] = {
            "text": self._validate_text,
            "literal": self._validate_rich_text,
            "string": check_string,
            "integer": check_integer,
            "size": check_heading_size,
            "flag": check_boolean,
            "align": lambda given: check_choice(given, schema.ALIGNMENTS),
            "blocks": self.validate_blocks,
            "items": self._validate_items,
            "cells": self._validate_cells,
            "caption": self._validate_caption,
            "buttons": self._validate_buttons,
            "button": self._validate_button,
            "object": check_object,
        }

    def validate_blocks(self, given: Any) -> list[Block]:
        """Return the valid blocks of a message or of a block that contains blocks."""
        return [self._validate_block(block) for block in check_array(given)]

    def _validate_block(self, given: Any) -> Block:
        kind = str(check_object(given).get("type"))
        fields = schema.BLOCK_FIELDS.get(kind)
        if fields is None:
            raise build_parse_error("Unsupported type specified")
        if kind == "thinking" and not self._is_draft:
            raise bad_request("RICH_MESSAGE_CONTENT_REQUIRED")
        block = {"type": kind, **self._validate_fields(given, fields, kind)}
        if not all(block.get(name) for name in fields.keys() & schema.NON_EMPTY_FIELDS):
            raise bad_request("RICH_MESSAGE_CONTENT_REQUIRED")
        if kind == "heading" and "size" not in block:
            raise build_parse_error('Can\'t find field "size"')
        if kind == "map":
            return {"zoom": 13, "width": 640, "height": 360} | block
        return block | self._validate_media(block) if kind in schema.MEDIA_TYPES else block

    def _validate_media(self, block: Block) -> Block:
        media = block[block["type"]]
        source = str(media.get("media") or "")
        if is_web_url(source):
            if self._is_draft:
                raise bad_request("MEDIA_INVALID")
            self._on_violation("loads_address", source)
        has_spoiler = bool(media.get("has_spoiler"))
        return build_stored_media(block["type"], source, has_spoiler=has_spoiler)

    def _validate_fields(self, given: Block, fields: dict[str, str], where: str) -> Block:
        self._report_unknown_fields(given, {"type", *fields}, where)
        values = {
            name: self._validators[reader](given[name])
            for name, reader in fields.items()
            if given.get(name) is not None
        }
        return {name: value for name, value in values.items() if value is not False}

    def _report_unknown_fields(self, given: Block, known: set[str], where: str) -> None:
        for name in sorted(given.keys() - known):
            self._on_violation("unknown_parameter", f"{where}.{name}")

    def _validate_text(self, given: Any) -> Any:
        text = self._validate_rich_text(given)
        return detect_rich_entities(text) if self._is_detection_enabled else text

    def _validate_rich_text(self, given: Any) -> Any:
        if isinstance(given, str):
            return given
        if isinstance(given, list):
            pieces = [self._validate_rich_text(piece) for piece in given]
            return [piece for piece in pieces if piece != ""] or ""
        kind = str(check_object(given).get("type"))
        if kind not in schema.TEXT_FIELDS:
            raise build_parse_error("Unsupported rich text type specified")
        text = {"type": kind, **self._validate_fields(given, schema.TEXT_FIELDS[kind], kind)}
        for name in schema.TEXT_FIELDS[kind]:
            if name not in text:
                raise build_parse_error(f'Can\'t find field "{name}"')
        return text

    def _validate_items(self, given: Any) -> list[Block]:
        items = [check_object(item) for item in check_array(given)]
        ordered = [is_ordered(item) for item in items]
        if any(ordered) and not all(ordered):
            raise bad_request("list must be either ordered or unordered")
        return [self._validate_item(item, number) for number, item in enumerate(items, 1)]

    def _validate_item(self, given: Block, number: int) -> Block:
        self._report_unknown_fields(given, schema.ITEM_FIELDS, "list item")
        item: Block = {"label": "•", "blocks": self.validate_blocks(given.get("blocks", []))}
        if is_ordered(given):
            value = check_integer(given.get("value", number))
            kind = check_choice(given.get("type", "1"), LABEL_KINDS)
            item |= {"label": format_label(value, kind), "value": value, "type": kind}
        return item | {name: True for name in ("has_checkbox", "is_checked") if given.get(name)}

    def _validate_cells(self, given: Any) -> list[list[Block]]:
        return [
            [self._validate_cell(cell) for cell in check_array(row)] for row in check_array(given)
        ]

    def _validate_cell(self, given: Any) -> Block:
        if given is None:
            raise bad_request("table cell must be non-empty")
        self._report_unknown_fields(check_object(given), schema.CELL_FIELDS, "table cell")
        cell: Block = {
            "align": check_choice(given.get("align"), schema.ALIGNMENTS),
            "valign": check_choice(given.get("valign"), _VERTICAL_ALIGNMENTS),
        }
        if given.get("text"):
            cell["text"] = self._validate_text(given["text"])
        if given.get("is_header"):
            cell["is_header"] = True
        spans = {name: check_integer(given.get(name, 1)) for name in ("colspan", "rowspan")}
        return cell | {name: span for name, span in spans.items() if span > 1}

    def _validate_caption(self, given: Any) -> Block:
        self._report_unknown_fields(check_object(given), schema.CAPTION_FIELDS, "caption")
        return {
            name: self._validate_text(given[name]) for name in ("text", "credit") if given.get(name)
        }

    def _validate_buttons(self, given: Any) -> list[Block]:
        buttons = [self._validate_button(button) for button in check_array(given)]
        if len(buttons) > MAX_BUTTONS:
            raise bad_request("RICH_MESSAGE_BUTTONS_TOO_MANY")
        return buttons

    def _validate_button(self, given: Any) -> Block:
        button = validate_rich_button(check_object(given))
        self._report_unknown_fields(given, set(button), "button")
        text = self._validate_rich_text(given.get("text", ""))
        if not text:
            raise bad_request("RICH_MESSAGE_CONTENT_REQUIRED")
        return button | {"text": text}
