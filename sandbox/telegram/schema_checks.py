"""Unknown fields and wrong types in the parameters of a call (Bot API 10.3).

Real servers ignore unknown fields silently, so that a typing error can stay unnoticed for years.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from sandbox.telegram.reply_markup import INLINE_BUTTON_FIELDS
from sandbox.telegram.state.updates import UPDATE_KINDS

_INTEGERS = (
    "offset limit timeout message_id message_thread_id direct_messages_topic_id draft_id "
    "reply_to_message_id cache_time max_connections"
)
_FLAGS = (
    "disable_notification protect_content allow_paid_broadcast allow_sending_without_reply "
    "disable_web_page_preview can_stop keep_on_stop show_alert drop_pending_updates"
)
_ARRAYS = "allowed_updates entities commands"
_OBJECTS = (
    "link_preview_options reply_parameters reply_markup ephemeral_message_parameters "
    "suggested_post_parameters rich_message scope"
)
_ENTITY = "type offset length url user language custom_emoji_id unix_time date_time_format"
_KEYBOARD_BUTTON = (
    "text icon_custom_emoji_id style request_users request_chat request_managed_bot "
    "request_contact request_location request_poll web_app request_user"
)
_REPLY_PARAMETERS = (
    "message_id chat_id allow_sending_without_reply quote quote_parse_mode quote_entities "
    "quote_position checklist_task_id poll_option_id ephemeral_message_id"
)
_LINK_PREVIEW = "is_disabled url prefer_small_media prefer_large_media show_above_text"
_EPHEMERAL = "receiver_user_id callback_query_id replace_callback_query_message"
_REPLY_MARKUP = (
    "inline_keyboard keyboard is_persistent resize_keyboard one_time_keyboard "
    "input_field_placeholder selective force_reply remove_keyboard"
)

_PARAMETER_TYPES = {
    **dict.fromkeys(_INTEGERS.split(), "Integer"),
    **dict.fromkeys(_FLAGS.split(), "Boolean"),
    **dict.fromkeys(_ARRAYS.split(), "Array"),
    **dict.fromkeys(_OBJECTS.split(), "Object"),
    "chat_id": "Integer or String",
}
_OBJECT_FIELDS = {
    "reply_parameters": set(_REPLY_PARAMETERS.split()),
    "link_preview_options": set(_LINK_PREVIEW.split()),
    "entities": set(_ENTITY.split()),
    "commands": {"command", "description", "is_ephemeral"},
    "scope": {"type", "chat_id", "user_id"},
    "ephemeral_message_parameters": set(_EPHEMERAL.split()),
    "reply_markup": set(_REPLY_MARKUP.split()),
}
"""Fields of objects, and of the objects inside arrays."""
_BUTTON_FIELDS = {
    "inline_keyboard": INLINE_BUTTON_FIELDS,
    "keyboard": set(_KEYBOARD_BUTTON.split()),
}


def find_wrong_types(values: dict[str, Any]) -> Iterator[str]:
    """Yield parameters whose type is not the documented one; in forms every value is a string."""
    for name, value in values.items():
        wanted = _PARAMETER_TYPES.get(name, "String")
        if value != "" and not _has_type(wanted, value):
            yield f"{name} is not of type {wanted}"


def find_unknown_fields(values: dict[str, Any]) -> Iterator[str]:
    """Yield unknown fields of objects and unknown update kinds."""
    for name, known in _OBJECT_FIELDS.items():
        for one in _to_objects(values.get(name)):
            yield from (f"{name}.{field}" for field in sorted(one.keys() - known))
    for markup in _to_objects(values.get("reply_markup")):
        for field, known in _BUTTON_FIELDS.items():
            yield from _find_unknown_in_rows(field, markup.get(field), known)
    kinds = _parse_json(values.get("allowed_updates"))
    if isinstance(kinds, list):
        yield from (f"allowed_updates: {kind}" for kind in kinds if kind not in UPDATE_KINDS)


def _find_unknown_in_rows(field: str, rows: Any, known: set[str]) -> Iterator[str]:
    for row in rows if isinstance(rows, list) else ():
        for button in _to_objects(row):
            yield from (f"{field}.{name}" for name in sorted(button.keys() - known))


def _has_type(wanted: str, value: Any) -> bool:
    if wanted == "Integer":
        return _is_integer(value)
    if wanted == "Boolean":
        return isinstance(value, bool) or str(value).lower() in ("true", "false", "1", "0")
    if wanted == "String":
        return isinstance(value, str)
    if wanted == "Integer or String":
        return isinstance(value, str) or _is_integer(value)
    return isinstance(_parse_json(value), list if wanted == "Array" else dict)


def _is_integer(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"-?\d+", value) is not None
    return isinstance(value, int) and not isinstance(value, bool)


def _parse_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _to_objects(value: Any) -> list[dict[str, Any]]:
    decoded = _parse_json(value)
    given = decoded if isinstance(decoded, list) else [decoded]
    return [one for one in given if isinstance(one, dict)]
