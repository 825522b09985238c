"""Fields of blocks and rich texts: type → field → validator name (Bot API 10.3)."""

MEDIA_TYPES = ("animation", "audio", "document", "photo", "video", "voice_note")
_FLAGS = dict.fromkeys(("is_bordered", "is_striped", "is_compact"), "flag")
_DIMENSIONS = dict.fromkeys(("zoom", "width", "height"), "integer")

BLOCK_FIELDS: dict[str, dict[str, str]] = {
    **{kind: {"text": "text"} for kind in ("paragraph", "footer", "thinking")},
    "heading": {"text": "text", "size": "size"},
    "pre": {"text": "literal", "language": "string"},
    "divider": {},
    "mathematical_expression": {"expression": "string"},
    "anchor": {"name": "string"},
    "list": {"items": "items"},
    "blockquote": {"blocks": "blocks", "credit": "text"},
    **{kind: {"text": "text", "credit": "text"} for kind in ("expandable_blockquote", "pullquote")},
    **{kind: {"blocks": "blocks", "caption": "caption"} for kind in ("collage", "slideshow")},
    "table": {"cells": "cells", **_FLAGS, "caption": "text"},
    "details": {"summary": "text", "blocks": "blocks", "is_open": "flag"},
    "map": {"location": "object", **_DIMENSIONS, "caption": "caption"},
    "buttons": {"buttons": "buttons", "align": "align"},
    **{kind: {kind: "object", "caption": "caption"} for kind in MEDIA_TYPES},
}
_NON_EMPTY_NAMES = "text expression name items blocks cells summary buttons location"
NON_EMPTY_FIELDS = frozenset((*_NON_EMPTY_NAMES.split(), *MEDIA_TYPES))
"""Fields that must not be empty in any block."""

_STYLES = "bold italic underline strikethrough spoiler subscript superscript marked code"
TEXT_STYLES = tuple(_STYLES.split())
_DETECTED_TYPES = "url email_address phone_number bank_card_number hashtag cashtag bot_command"
TEXT_FIELDS: dict[str, dict[str, str]] = {
    **{style: {"text": "text"} for style in TEXT_STYLES},
    **{kind: {"text": "text", kind: "string"} for kind in _DETECTED_TYPES.split()},
    "mention": {"text": "text", "username": "string"},
    "date_time": {"text": "text", "unix_time": "integer", "date_time_format": "string"},
    "text_mention": {"text": "text", "user": "object"},
    "custom_emoji": {"custom_emoji_id": "string", "alternative_text": "string"},
    "mathematical_expression": {"expression": "string"},
    "button": {"button": "button"},
    "anchor": {"name": "string"},
    "anchor_link": {"text": "text", "anchor_name": "string"},
    "reference": {"text": "text", "name": "string"},
    "reference_link": {"text": "text", "reference_name": "string"},
}
ALIGNMENTS = ("left", "center", "right")
ITEM_FIELDS = {"blocks", "has_checkbox", "is_checked", "value", "type"}
CELL_FIELDS = {"text", "is_header", "colspan", "rowspan", "align", "valign"}
CAPTION_FIELDS = {"text", "credit"}
MESSAGE_FIELDS = {"html", "markdown", "blocks", "is_rtl", "skip_entity_detection", "media"}
