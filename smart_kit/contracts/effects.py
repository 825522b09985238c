"""Receipts: who changed what, from what to what, and how to take it back."""

from typing import Literal
from uuid import UUID

from smart_kit.contracts.base import Contract, JsonObject, RequestBody, UtcDatetime
from smart_kit.contracts.examples import EXAMPLE_IDS, example

EffectKind = Literal[
    "reminder_created",
    "reminder_changed",
    "reminder_cancelled",
    "task_created",
    "task_changed",
    "event_created",
    "event_changed",
    "event_cancelled",
]


class EffectRead(Contract):
    """One change that a tool made, written in the same transaction as the change."""

    id: UUID
    user_id: UUID
    kind: EffectKind
    before: JsonObject | None = None
    after: JsonObject | None = None
    reversal: JsonObject | None = None
    """How to take it back, or null where that cannot be done."""
    undoes: UUID | None = None
    """The effect that this one takes back."""
    message_id: str
    step: str
    created_at: UtcDatetime


class EffectUndo(RequestBody):
    """Take back the newest effect of a person that is not taken back yet."""

    model_config = example(user_id=EXAMPLE_IDS["users"])

    user_id: UUID
