"""Unknown fields and wrong types in the parameters of a call (Bot API 10.3).

Real servers ignore unknown fields silently, so that a typing error can stay unnoticed for years.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from sandbox.telegram.reply_markup import INLINE_BUTTON_FIELDS
from sandbox.telegram.state.updates import UPDATE_KINDS

_NAMES_BY_TYPE = {
    "Integer": "offset limit timeout message_id message_thread_id direct_messages_topic_id "
    "draft_id reply_to_message_id cache_time max_connections",
    "Boolean": "disable_notification protect_content allow_paid_broadcast "
    "allow_sending_without_reply disable_web_page_preview can_stop keep_on_stop show_alert "
    "drop_pending_updates",
    "Array": "allowed_updates entities commands",
    "Object": "link_preview_options reply_parameters reply_markup ephemeral_message_parameters "
    "suggested_post_parameters rich_message scope",
    "Integer or String": "chat_id",
}
"""The parameters that are not of type String."""
_PARAMETER_TYPES = {name: kind for kind, names in _NAMES_BY_TYPE.items() for name in names.split()}
_OBJECT_FIELDS = {
    "reply_parameters": "message_id chat_id allow_sending_without_reply quote quote_parse_mode "
    "quote_entities quote_position checklist_task_id poll_option_id ephemeral_message_id",
    "link_preview_options": "is_disabled url prefer_small_media prefer_large_media show_above_text",
    "entities": "type offset length url user language custom_emoji_id unix_time date_time_format",
    "commands": "command description is_ephemeral",
    "scope": "type chat_id user_id",
    "ephemeral_message_parameters": "receiver_user_id callback_query_id "
    "replace_callback_query_message",
    "reply_markup": "inline_keyboard keyboard is_persistent resize_keyboard one_time_keyboard "
    "input_field_placeholder selective force_reply remove_keyboard",
}
"""Fields of objects, and of the objects inside arrays."""
_BUTTON_FIELDS = {
    "inline_keyboard": INLINE_BUTTON_FIELDS,
    "keyboard": "text icon_custom_emoji_id style request_users request_chat request_managed_bot "
    "request_contact request_location request_poll web_app request_user",
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
        yield from _find_unknown(name, values.get(name), known)
    for markup in _to_objects(values.get("reply_markup")):
        for field, known in _BUTTON_FIELDS.items():
            rows = markup.get(field)
            for row in rows if isinstance(rows, list) else ():
                yield from _find_unknown(field, row, known)
    kinds = _parse_json(values.get("allowed_updates"))
    if isinstance(kinds, list):
        yield from (f"allowed_updates: {kind}" for kind in kinds if kind not in UPDATE_KINDS)


def _find_unknown(where: str, value: Any, known: str) -> Iterator[str]:
    for given in _to_objects(value):
        yield from (f"{where}.{name}" for name in sorted(given.keys() - set(known.split())))


def _has_type(wanted: str, value: Any) -> bool:
    match wanted:
        case "Integer":
            return _is_integer(value)
        case "Boolean":
            return isinstance(value, bool) or str(value).lower() in ("true", "false", "1", "0")
        case "String":
            return isinstance(value, str)
        case "Integer or String":
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
    return [item for item in given if isinstance(item, dict)]
