"""`rich_message` of a call: read in any of its three forms, checked, measured."""

from collections.abc import Callable
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.rich.block_validator import BlockValidator
from sandbox.telegram.rich.html_blocks import build_blocks
from sandbox.telegram.rich.html_tree import InvalidRichMarkup, parse_html_tree
from sandbox.telegram.rich.limits import MAX_TEXT_LENGTH, RichMessageLimits
from sandbox.telegram.rich.markdown import markdown_to_html
from sandbox.telegram.rich.media import is_web_url
from sandbox.telegram.rich.schema import MESSAGE_FIELDS

DetailCallback = Callable[[str], None]

INPUT_FORMATS = ("markdown", "html", "blocks")
_MAX_SOURCE_LENGTH = 8 * MAX_TEXT_LENGTH


class RichMessageParser:
    """Reads what a bot sends as `rich_message`.

    `note` hears of what Telegram would ignore in silence, `warn` of what nobody has verified,
    `load` of addresses that Telegram would fetch.
    """

    def __init__(
        self,
        on_unknown_field: DetailCallback,
        on_warning: DetailCallback,
        on_url: DetailCallback,
        *,
        is_draft: bool,
    ) -> None:
        self._on_unknown_field = on_unknown_field
        self._on_warning = on_warning
        self._on_url = on_url
        self._is_draft = is_draft

    def parse(self, given: Any) -> dict[str, Any]:
        """The `RichMessage`. Raises BotApiError in Telegram's words."""
        if not given:
            raise bad_request("rich message must be non-empty")
        if not isinstance(given, dict):
            raise bad_request("object expected as rich message")
        for name in sorted(given.keys() - MESSAGE_FIELDS):
            self._on_unknown_field(f"rich_message.{name}")
        try:
            blocks = self._build_validator(given).validate_blocks(self._parse_input(given))
            RichMessageLimits().check(blocks)
        except RecursionError as error:
            raise bad_request("RICH_MESSAGE_DEPTH_INVALID") from error
        if not blocks:
            raise bad_request("RICH_MESSAGE_CONTENT_REQUIRED")
        return {"blocks": blocks} | ({"is_rtl": True} if given.get("is_rtl") else {})

    def _build_validator(self, given: dict[str, Any]) -> BlockValidator:
        return BlockValidator(
            self._on_unknown_field,
            lambda source: self._check_media_source(source, given.get("media")),
            is_draft=self._is_draft,
            is_detection_enabled=not given.get("skip_entity_detection"),
        )

    def _check_media_source(self, source: str, media: Any) -> None:
        """Where media come from: the web, or what the message has bound to an id."""
        bound = [one.get("id") for one in media or () if isinstance(one, dict)]
        if is_web_url(source):
            self._on_url(source)
        elif source.startswith("tg://") and source.partition("?id=")[2] not in bound:
            self._on_warning(f"{source} names none of the message's media")

    def _parse_input(self, given: dict[str, Any]) -> Any:
        forms = [name for name in INPUT_FORMATS if given.get(name) is not None]
        if not forms:
            raise bad_request("rich message must be non-empty")
        if len(forms) > 1:
            raise bad_request(
                "can't parse InputRichMessage: exactly one of the fields html, markdown, or "
                "blocks must be used"
            )
        form = forms[0]
        if form == "blocks":
            return given["blocks"]
        return self._parse_markup(form, given[form])

    def _parse_markup(self, form: str, source: Any) -> Any:
        invalid = bad_request(f"RICH_MESSAGE_{form.upper()}_INVALID")
        if not isinstance(source, str) or not source.strip():
            raise invalid
        if len(source) > _MAX_SOURCE_LENGTH:
            raise bad_request("RICH_MESSAGE_TEXT_TOO_LONG")
        try:
            html = markdown_to_html(source) if form == "markdown" else source
            return build_blocks(parse_html_tree(html, self._on_warning))
        except InvalidRichMarkup as error:
            self._on_warning(str(error))
            raise invalid from error
