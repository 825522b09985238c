"""Validation of `reply_markup` with Telegram's errors."""

from collections.abc import Callable
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.parameters import CallParameters
from sandbox.telegram.text.links import InvalidLink, normalize_link

MAX_CALLBACK_DATA_BYTES = 64
MAX_BUTTONS = 100
BUTTON_STYLES = ("danger", "success", "primary")

_BUTTON_ACTIONS = (
    "url callback_data web_app login_url switch_inline_query switch_inline_query_current_chat "
    "switch_inline_query_chosen_chat copy_text callback_game pay disabled"
)
_NOT_IN_RICH_MESSAGES = ("callback_game", "pay")
INLINE_BUTTON_FIELDS = f"text icon_custom_emoji_id style {_BUTTON_ACTIONS}"


def parse_reply_markup(parameters: CallParameters) -> dict[str, Any] | None:
    """Return the valid keyboard of a message, or None. Raises BotApiError."""
    if parameters.is_missing("reply_markup"):
        return None
    markup = parameters.get_json("reply_markup", "reply keyboard markup JSON object")
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        return {"inline_keyboard": _parse_inline_keyboard(markup["inline_keyboard"])}
    if "keyboard" in markup:
        return markup | {"keyboard": _parse_keyboard(markup["keyboard"])}
    if markup.get("remove_keyboard") or markup.get("force_reply"):
        return markup
    return None


def parse_inline_keyboard_markup(parameters: CallParameters) -> dict[str, Any] | None:
    """Return the inline keyboard, or None. Raises BotApiError for other keyboards."""
    markup = parse_reply_markup(parameters)
    if markup is not None and "inline_keyboard" not in markup:
        raise bad_request("inline keyboard expected")
    return markup if markup and markup["inline_keyboard"] else None


def _parse_rows(
    rows: Any, field: str, owner: str, parse_button: Callable[[Any], dict[str, Any]]
) -> list[list[dict[str, Any]]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request(f'field "{field}" of the {owner} must be an Array of Arrays')
    return [[parse_button(button) for button in row] for row in rows if row]


def _parse_inline_keyboard(rows: Any) -> list[list[dict[str, Any]]]:
    checked = _parse_rows(rows, "inline_keyboard", "InlineKeyboardMarkup", _parse_inline_button)
    if sum(map(len, checked)) > MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    return checked


def _parse_inline_button(button: Any) -> dict[str, Any]:
    where = "can't parse inline keyboard button"
    if not isinstance(button, dict):
        raise bad_request(f"{where}: InlineKeyboardButton must be an Object")
    _validate_text(button, where)
    action = _find_action(button, where)
    _validate_style(button)
    _validate_action(button, action)
    return {name: value for name, value in button.items() if name in INLINE_BUTTON_FIELDS.split()}


def validate_rich_button(button: dict[str, Any]) -> dict[str, Any]:
    """Return the known fields of a `RichMessageButton`; its text is not validated."""
    action = _find_action(button, "can't parse RichMessageButton")
    if action in _NOT_IN_RICH_MESSAGES:
        raise bad_request(f"can't parse RichMessageButton: {action} is unallowed")
    _validate_style(button, *(["link"] if action == "callback_data" else []))
    _validate_action(button, action)
    return {name: button[name] for name in ("text", "style", action) if name in button}


def _find_action(button: dict[str, Any], where: str) -> str:
    """Return the one field that defines what the button does."""
    kinds = [name for name in _BUTTON_ACTIONS.split() if _is_set(button, name)]
    if not kinds:
        raise bad_request(f"{where}: Text buttons are unallowed in the inline keyboard")
    if len(kinds) > 1:
        raise bad_request(f"{where}: exactly one optional field must be used, not {kinds}")
    return kinds[0]


def _is_set(button: dict[str, Any], name: str) -> bool:
    """Return whether a field has a value; inline queries may be empty, `disabled` may be `{}`."""
    value = button.get(name)
    if value == "":
        return name.startswith("switch_inline")
    return value is not None and value is not False


def _validate_text(button: dict[str, Any], where: str) -> None:
    if "text" not in button:
        raise bad_request(f'{where}: Can\'t find field "text"')
    if not isinstance(button["text"], str):
        raise bad_request(f'{where}: Field "text" must be of type String')
    if not button["text"].strip():
        raise bad_request(f"{where}: Text must be non-empty")


def _validate_style(button: dict[str, Any], *more_styles: str) -> None:
    if button.get("style") not in (None, *BUTTON_STYLES, *more_styles):
        raise bad_request("BUTTON_STYLE_INVALID")


def _validate_action(button: dict[str, Any], kind: str) -> None:
    value = button[kind]
    if kind == "callback_data":
        if not isinstance(value, str) or len(value.encode()) > MAX_CALLBACK_DATA_BYTES:
            raise bad_request("BUTTON_DATA_INVALID")
    elif kind == "copy_text":
        text = value.get("text") if isinstance(value, dict) else None
        if not isinstance(text, str) or not 1 <= len(text) <= 256:
            raise bad_request("BUTTON_COPY_TEXT_INVALID")
    elif kind == "url":
        try:
            button["url"] = normalize_link(str(value))
        except InvalidLink as error:
            reason = f"inline keyboard button URL '{value}' is invalid: {error}"
            raise bad_request(reason) from error


def _parse_keyboard(rows: Any) -> list[list[dict[str, Any]]]:
    checked = _parse_rows(rows, "keyboard", "ReplyKeyboardMarkup", _parse_keyboard_button)
    if not checked:
        raise bad_request("reply keyboard must be non-empty")
    return checked


def _parse_keyboard_button(button: Any) -> dict[str, Any]:
    where = "can't parse keyboard button"
    if isinstance(button, str):
        button = {"text": button}
    if not isinstance(button, dict):
        raise bad_request(f"{where}: KeyboardButton must be an Object")
    _validate_text(button, where)
    kinds = ("request_", "web_app")
    if sum(name.startswith(kinds) and bool(value) for name, value in button.items()) > 1:
        raise bad_request(f"{where}: exactly one optional field must be used")
    return button
