"""What an item of a conversation says, and who says it; in the forms of both APIs."""

from typing import Any

from smart_kit.contracts.base import JsonObject

from ..models.thread import MessageRole

_ROLES: dict[str, MessageRole] = {"user": "user", "tool": "tool"}


def get_role(item: JsonObject) -> MessageRole:
    """Calls and reasoning without a role are the assistant's."""
    if item.get("type") == "function_call_output":
        return "tool"
    return _ROLES.get(str(item.get("role")), "assistant")


def get_text(item: JsonObject) -> str:
    """The text, without what Postgres cannot keep in one; the payload has it all."""
    return _join_text_parts(item.get("content", item.get("output"))).replace(
        "\0", "\N{REPLACEMENT CHARACTER}"
    )


def _join_text_parts(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "\n".join(text for text in texts if isinstance(text, str))
