"""Role, text and time of the items of a turn, which have the form of Chat Completions messages."""

from datetime import datetime, timedelta
from typing import Any

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.threads import TurnRecord

from ..models.history import MessageRole

_ROLES: dict[str, MessageRole] = {"user": "user", "tool": "tool"}


def get_role(item: JsonObject) -> MessageRole:
    """Return the role of an item; an unknown one counts as the assistant's."""
    return _ROLES.get(str(item.get("role")), "assistant")


def get_text(item: JsonObject) -> str:
    """Return the text of an item, without NUL characters, which Postgres does not store."""
    return _join_text_parts(item.get("content")).replace("\0", "\N{REPLACEMENT CHARACTER}")


def _join_text_parts(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "\n".join(text for text in texts if isinstance(text, str))


def compute_item_times(record: TurnRecord) -> list[datetime]:
    """Return when each item of a turn was written, in the order of the items.

    The nth item of the assistant is the result of the nth model step, and the tool items after it
    are the results of the calls of that step. A call that did not run has no time of its own and
    gets that of the item before it.
    """
    ended_at = {
        step.step: step.started_at + timedelta(seconds=step.seconds)
        for step in record.steps
        if step.started_at is not None
    }
    model_steps = (s.step for s in record.steps if s.kind == "model" and "." not in s.step)
    times: list[datetime] = []
    model_step, call = "", 0
    for role in map(get_role, record.items):
        if role == "user":
            times.append(record.requested_at)
        elif role == "assistant":
            model_step, call = next(model_steps, ""), 0
            times.append(ended_at.get(model_step, record.finished_at))
        else:
            before = times[-1] if times else record.requested_at
            times.append(ended_at.get(f"{model_step}.{call}", before))
            call += 1
    return times
