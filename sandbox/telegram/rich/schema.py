"""Fields of blocks and rich texts: type → field → validator name (Bot API 10.3)."""

BLOCK_FIELDS: dict[str, dict[str, str]] = {
    "paragraph": {"text": "text"},
    "heading": {"text": "text", "size": "size"},
    "pre": {"text": "literal", "language": "string"},
    "footer": {"text": "text"},
    "divider": {},
    "mathematical_expression": {"expression": "string"},
    "anchor": {"name": "string"},
    "list": {"items": "items"},
    "blockquote": {"blocks": "blocks", "credit": "text"},
    "expandable_blockquote": {"text": "text", "credit": "text"},
    "pullquote": {"text": "text", "credit": "text"},
    "collage": {"blocks": "blocks", "caption": "caption"},
    "slideshow": {"blocks": "blocks", "caption": "caption"},
    "table": {
        "cells": "cells",
        "is_bordered": "flag",
        "is_striped": "flag",
        "is_compact": "flag",
        "caption": "text",
    },
    "details": {"summary": "text", "blocks": "blocks", "is_open": "flag"},
    "map": {
        "location": "location",
        "zoom": "integer",
        "width": "integer",
        "height": "integer",
        "caption": "caption",
    },
    "buttons": {"buttons": "buttons", "align": "align"},
    "animation": {"animation": "media", "caption": "caption"},
    "audio": {"audio": "media", "caption": "caption"},
    "document": {"document": "media", "caption": "caption"},
    "photo": {"photo": "media", "caption": "caption"},
    "video": {"video": "media", "caption": "caption"},
    "voice_note": {"voice_note": "media", "caption": "caption"},
    "thinking": {"text": "text"},
}
_NON_EMPTY_NAMES = (
    "text expression name items blocks cells summary buttons location "
    "animation audio document photo video voice_note"
)
NON_EMPTY_FIELDS = frozenset(_NON_EMPTY_NAMES.split())
"""Fields that must not be empty in any block."""

TEXT_STYLES = (
    "bold",
    "italic",
    "underline",
    "strikethrough",
    "spoiler",
    "subscript",
    "superscript",
    "marked",
    "code",
)
TEXT_FIELDS: dict[str, dict[str, str]] = {
    **{style: {"text": "text"} for style in TEXT_STYLES},
    "date_time": {"text": "text", "unix_time": "integer", "date_time_format": "string"},
    "text_mention": {"text": "text", "user": "user"},
    "custom_emoji": {"custom_emoji_id": "string", "alternative_text": "string"},
    "mathematical_expression": {"expression": "string"},
    "url": {"text": "text", "url": "string"},
    "email_address": {"text": "text", "email_address": "string"},
    "phone_number": {"text": "text", "phone_number": "string"},
    "bank_card_number": {"text": "text", "bank_card_number": "string"},
    "mention": {"text": "text", "username": "string"},
    "hashtag": {"text": "text", "hashtag": "string"},
    "cashtag": {"text": "text", "cashtag": "string"},
    "bot_command": {"text": "text", "bot_command": "string"},
    "button": {"button": "button"},
    "anchor": {"name": "string"},
    "anchor_link": {"text": "text", "anchor_name": "string"},
    "reference": {"text": "text", "name": "string"},
    "reference_link": {"text": "text", "reference_name": "string"},
}
ITEM_FIELDS = {"blocks", "has_checkbox", "is_checked", "value", "type"}
CELL_FIELDS = {"text", "is_header", "colspan", "rowspan", "align", "valign"}
CAPTION_FIELDS = {"text", "credit"}
MESSAGE_FIELDS = {"html", "markdown", "blocks", "is_rtl", "skip_entity_detection", "media"}
