"""`rich_message` of a call: read in any of its three forms, checked, measured."""

from collections.abc import Callable
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.rich.blocks import read_blocks
from sandbox.telegram.rich.checking import Checker
from sandbox.telegram.rich.limits import MAX_TEXT, Measure
from sandbox.telegram.rich.markdown import to_html
from sandbox.telegram.rich.media import is_address
from sandbox.telegram.rich.shapes import MESSAGE
from sandbox.telegram.rich.tree import WrongMarkup, read_tree

Told = Callable[[str], None]

FORMS = ("markdown", "html", "blocks")
_MAX_SOURCE = 8 * MAX_TEXT


class RichReader:
    """Reads what a bot sends as `rich_message`.

    `note` hears of what Telegram would ignore in silence, `warn` of what nobody has verified,
    `load` of addresses that Telegram would fetch.
    """

    def __init__(self, note: Told, warn: Told, load: Told, *, is_draft: bool) -> None:
        self._note = note
        self._warn = warn
        self._load = load
        self._is_draft = is_draft

    def read(self, given: Any) -> dict[str, Any]:
        """The `RichMessage`. Raises BotApiError in Telegram's words."""
        if not given:
            raise bad_request("rich message must be non-empty")
        if not isinstance(given, dict):
            raise bad_request("object expected as rich message")
        for name in sorted(given.keys() - MESSAGE):
            self._note(f"rich_message.{name}")
        try:
            blocks = self._checker(given).blocks(self._input(given))
            Measure().check(blocks)
        except RecursionError as error:
            raise bad_request("RICH_MESSAGE_DEPTH_INVALID") from error
        if not blocks:
            raise bad_request("RICH_MESSAGE_CONTENT_REQUIRED")
        return {"blocks": blocks} | ({"is_rtl": True} if given.get("is_rtl") else {})

    def _checker(self, given: dict[str, Any]) -> Checker:
        return Checker(
            self._note,
            lambda source: self._source(source, given.get("media")),
            is_draft=self._is_draft,
            is_detecting=not given.get("skip_entity_detection"),
        )

    def _source(self, source: str, media: Any) -> None:
        """Where media come from: the web, or what the message has bound to an id."""
        bound = [one.get("id") for one in media or () if isinstance(one, dict)]
        if is_address(source):
            self._load(source)
        elif source.startswith("tg://") and source.partition("?id=")[2] not in bound:
            self._warn(f"{source} names none of the message's media")

    def _input(self, given: dict[str, Any]) -> Any:
        forms = [name for name in FORMS if given.get(name) is not None]
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
        return self._markup(form, given[form])

    def _markup(self, form: str, source: Any) -> Any:
        invalid = bad_request(f"RICH_MESSAGE_{form.upper()}_INVALID")
        if not isinstance(source, str) or not source.strip():
            raise invalid
        if len(source) > _MAX_SOURCE:
            raise bad_request("RICH_MESSAGE_TEXT_TOO_LONG")
        try:
            html = to_html(source) if form == "markdown" else source
            return read_blocks(read_tree(html, self._warn))
        except WrongMarkup as error:
            self._warn(str(error))
            raise invalid from error
