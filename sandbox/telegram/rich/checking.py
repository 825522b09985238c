"""Blocks as a bot sends them, checked, as the blocks of the message that comes back."""

from collections.abc import Callable
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.markup import check_rich_button
from sandbox.telegram.rich.detection import detected
from sandbox.telegram.rich.labels import KINDS, is_ordered, label
from sandbox.telegram.rich.media import is_address, received
from sandbox.telegram.rich.shapes import BLOCKS, CAPTION, CELL, ITEM, NOT_EMPTY, TEXTS
from sandbox.telegram.rich.values import (
    as_array,
    as_flag,
    as_integer,
    as_object,
    as_size,
    as_string,
    one_of,
    wrong,
)

Block = dict[str, Any]
MAX_BUTTONS = 8
_ALIGNS = ("left", "center", "right")
_VALIGNS = ("top", "middle", "bottom")


class Checker:
    """Reads blocks. Every method raises BotApiError in Telegram's words.

    `note` hears of fields that Telegram would ignore, `load` of the media that it needs.
    """

    def __init__(
        self,
        note: Callable[[str], None],
        load: Callable[[str], None],
        *,
        is_draft: bool,
        is_detecting: bool,
    ) -> None:
        self._note = note
        self._load = load
        self._is_draft = is_draft
        self._is_detecting = is_detecting
        self._readers: dict[str, Callable[[Any], Any]] = {
            "text": self._text,
            "literal": self._rich,
            "string": as_string,
            "integer": as_integer,
            "size": as_size,
            "flag": as_flag,
            "align": lambda given: one_of(given, _ALIGNS),
            "blocks": self.blocks,
            "items": self._items,
            "cells": self._cells,
            "caption": self._caption,
            "location": as_object,
            "user": as_object,
            "buttons": self._buttons,
            "button": self._button,
            "media": as_object,
        }

    def blocks(self, given: Any) -> list[Block]:
        """The blocks of a message or of a block that holds others."""
        return [self._block(one) for one in as_array(given)]

    def _block(self, given: Any) -> Block:
        kind = as_object(given).get("type")
        fields = BLOCKS.get(str(kind))
        if fields is None:
            raise wrong("Unsupported type specified")
        if kind == "thinking" and not self._is_draft:
            raise bad_request("RICH_MESSAGE_CONTENT_REQUIRED")
        block = {"type": kind, **self._fields(given, fields, str(kind))}
        if not all(block.get(name) for name in fields if name in NOT_EMPTY):
            raise bad_request("RICH_MESSAGE_CONTENT_REQUIRED")
        if kind == "heading" and "size" not in block:
            raise wrong('Can\'t find field "size"')
        if kind == "map":
            block = {"zoom": 13, "width": 640, "height": 360} | block
        return block | self._received(str(kind), block)

    def _received(self, kind: str, block: Block) -> Block:
        if BLOCKS[kind].get(kind) != "media":
            return {}
        source = str(block[kind].get("media") or "")
        if is_address(source) and self._is_draft:
            raise bad_request("MEDIA_INVALID")
        self._load(source)
        return received(kind, block[kind])

    def _fields(self, given: Block, fields: dict[str, str], where: str) -> Block:
        self._note_unknown(given, {"type", *fields}, where)
        read = {
            name: self._readers[reader](given[name])
            for name, reader in fields.items()
            if given.get(name) is not None
        }
        return {name: value for name, value in read.items() if value is not False}

    def _note_unknown(self, given: Block, known: set[str], where: str) -> None:
        for name in sorted(given.keys() - known):
            self._note(f"{where}.{name}")

    def _text(self, given: Any) -> Any:
        text = self._rich(given)
        return detected(text) if self._is_detecting else text

    def _rich(self, given: Any) -> Any:
        if isinstance(given, str):
            return given
        if isinstance(given, list):
            pieces = [self._rich(one) for one in given]
            return [piece for piece in pieces if piece != ""] or ""
        kind = str(as_object(given).get("type"))
        if kind not in TEXTS:
            raise wrong("Unsupported rich text type specified")
        text = {"type": kind, **self._fields(given, TEXTS[kind], kind)}
        missing = [name for name in TEXTS[kind] if name not in text]
        if missing:
            raise wrong(f'Can\'t find field "{missing[0]}"')
        return text

    def _items(self, given: Any) -> list[Block]:
        items = [as_object(one) for one in as_array(given)]
        ordered = [is_ordered(one) for one in items]
        if any(ordered) and not all(ordered):
            raise bad_request("list must be either ordered or unordered")
        return [self._item(item, number) for number, item in enumerate(items, 1)]

    def _item(self, given: Block, number: int) -> Block:
        self._note_unknown(given, ITEM, "list item")
        item: Block = {"label": "•", "blocks": self.blocks(given.get("blocks", []))}
        if is_ordered(given):
            value = as_integer(given.get("value", number))
            kind = one_of(given.get("type", "1"), KINDS)
            item |= {"label": label(value, kind), "value": value, "type": kind}
        flags = {name: True for name in ("has_checkbox", "is_checked") if given.get(name)}
        return item | flags

    def _cells(self, given: Any) -> list[list[Block]]:
        return [[self._cell(cell) for cell in as_array(row)] for row in as_array(given)]

    def _cell(self, given: Any) -> Block:
        if given is None:
            raise bad_request("table cell must be non-empty")
        self._note_unknown(as_object(given), CELL, "table cell")
        cell: Block = {
            "align": one_of(given.get("align"), _ALIGNS),
            "valign": one_of(given.get("valign"), _VALIGNS),
        }
        if given.get("text"):
            cell["text"] = self._text(given["text"])
        if given.get("is_header"):
            cell["is_header"] = True
        spans = {name: as_integer(given.get(name, 1)) for name in ("colspan", "rowspan")}
        return cell | {name: span for name, span in spans.items() if span > 1}

    def _caption(self, given: Any) -> Block:
        self._note_unknown(as_object(given), CAPTION, "caption")
        return {name: self._text(given[name]) for name in ("text", "credit") if given.get(name)}

    def _buttons(self, given: Any) -> list[Block]:
        buttons = [self._button(one) for one in as_array(given)]
        if len(buttons) > MAX_BUTTONS:
            raise bad_request("RICH_MESSAGE_BUTTONS_TOO_MANY")
        return buttons

    def _button(self, given: Any) -> Block:
        button = check_rich_button(as_object(given))
        self._note_unknown(given, set(button), "button")
        text = self._rich(given.get("text", ""))
        if not text:
            raise bad_request("RICH_MESSAGE_CONTENT_REQUIRED")
        return button | {"text": text}
