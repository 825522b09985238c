"""The `rich_message` parameter: parsed from Markdown, HTML or blocks, validated, measured."""

from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.rich.block_validator import BlockValidator, ViolationCallback
from sandbox.telegram.rich.html_blocks import build_blocks
from sandbox.telegram.rich.html_tree import InvalidRichMarkup, parse_html_tree
from sandbox.telegram.rich.limits import MAX_TEXT_LENGTH, RichMessageSize
from sandbox.telegram.rich.markdown import markdown_to_html
from sandbox.telegram.rich.schema import MESSAGE_FIELDS

INPUT_FORMATS = ("markdown", "html", "blocks")
_MAX_SOURCE_LENGTH = 8 * MAX_TEXT_LENGTH


def parse_rich_message(
    given: Any, on_violation: ViolationCallback, *, is_draft: bool = False
) -> dict[str, Any]:
    """Return the `RichMessage` of an `InputRichMessage`.

    `on_violation(kind, detail)` is called for unknown fields and for URLs that Telegram would load.
    Raises BotApiError with Telegram's error text.
    """
    if not given:
        raise bad_request("rich message must be non-empty")
    if not isinstance(given, dict):
        raise bad_request("object expected as rich message")
    for name in sorted(given.keys() - MESSAGE_FIELDS):
        on_violation("unknown_parameter", f"rich_message.{name}")
    is_detection_enabled = not given.get("skip_entity_detection")
    validator = BlockValidator(
        on_violation, is_draft=is_draft, is_detection_enabled=is_detection_enabled
    )
    try:
        blocks = validator.validate_blocks(_parse_input(given))
        RichMessageSize().check(blocks)
    except RecursionError as error:
        raise bad_request("RICH_MESSAGE_DEPTH_INVALID") from error
    if not blocks:
        raise bad_request("RICH_MESSAGE_CONTENT_REQUIRED")
    return {"blocks": blocks} | ({"is_rtl": True} if given.get("is_rtl") else {})


def _parse_input(given: dict[str, Any]) -> Any:
    formats = [name for name in INPUT_FORMATS if given.get(name) is not None]
    if not formats:
        raise bad_request("rich message must be non-empty")
    if len(formats) > 1:
        raise bad_request(
            "can't parse InputRichMessage: exactly one of the fields html, markdown, or "
            "blocks must be used"
        )
    source = given[formats[0]]
    return source if formats == ["blocks"] else _parse_markup(formats[0], source)


def _parse_markup(markup: str, source: Any) -> Any:
    invalid = bad_request(f"RICH_MESSAGE_{markup.upper()}_INVALID")
    if not isinstance(source, str) or not source.strip():
        raise invalid
    if len(source) > _MAX_SOURCE_LENGTH:
        raise bad_request("RICH_MESSAGE_TEXT_TOO_LONG")
    try:
        html = markdown_to_html(source) if markup == "markdown" else source
        return build_blocks(parse_html_tree(html))
    except InvalidRichMarkup as error:
        raise invalid from error
