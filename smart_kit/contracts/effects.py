"""Effects: the changes that tools make, which are shown as receipts and can be undone."""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from smart_kit.contracts.base import Contract, JsonObject, RequestBody, UtcDatetime
from smart_kit.contracts.examples import EXAMPLE_IDS, example_config

EffectKind = Literal[
    "reminder_created",
    "reminder_changed",
    "reminder_cancelled",
    "task_created",
    "task_changed",
    "event_created",
    "event_changed",
    "event_cancelled",
    "settings_changed",
]


UndoRefusal = Literal["fired", "changed", "deleted", "not_reversible"]
"""Why a change cannot be undone."""

UNDO_REFUSALS: Mapping[UndoRefusal, str] = {
    "fired": "The reminder has already fired.",
    "changed": "The record has been changed since, and undoing would lose that change.",
    "deleted": "The changed record has been deleted since.",
    "not_reversible": "This change cannot be undone.",
}
"""The detail of the Conflict for each reason."""


class EffectRead(Contract):
    """A change that a tool made, recorded in the same transaction."""

    id: UUID
    user_id: UUID
    kind: EffectKind
    before: JsonObject | None = None
    after: JsonObject | None = None
    reversal: JsonObject | None = None
    """Data for undoing the change; null if it cannot be undone."""
    undoes: UUID | None = None
    """The effect that this one undoes."""
    message_id: str
    step: str
    created_at: UtcDatetime


class EffectUndo(RequestBody):
    """Undo the user's newest effect that is not undone yet."""

    model_config = example_config(user_id=EXAMPLE_IDS["users"])

    user_id: UUID
