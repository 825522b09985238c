"""Tasks of users."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from smart_kit.contracts.base import RecordRead, RequestBody, UtcDatetime, ZonedOrLocalTime
from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.examples import EXAMPLE_IDS, example_config
from smart_kit.settings import TimeZoneName

TaskStatus = Literal["open", "done", "cancelled"]
TaskPriority = Literal["low", "normal", "high"]
TaskTitle = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class TaskCreate(RequestBody):
    """A new task."""

    model_config = example_config(
        user_id=EXAMPLE_IDS["users"], title="Buy milk", due_at="2031-11-27T18:00:00"
    )

    user_id: UUID
    title: TaskTitle
    due_at: ZonedOrLocalTime | None = None
    priority: TaskPriority = "normal"
    timezone: TimeZoneName | None = Field(None, description="null: the user's time zone")


class TaskUpdate(RequestBody):
    """The fields to change. Omitted fields keep their values."""

    model_config = example_config(status="done")

    title: TaskTitle | None = None
    status: TaskStatus | None = None
    due_at: ZonedOrLocalTime | None = Field(None, description="null: no due time")
    priority: TaskPriority | None = None
    timezone: TimeZoneName | None = None
    """Time zone of `due_at`; null: the user's."""


class TaskRead(RecordRead):
    """A task."""

    user_id: UUID
    title: str
    status: TaskStatus
    due_at: UtcDatetime | None
    priority: TaskPriority
    completed_at: UtcDatetime | None
    effect: EffectRead | None = None
    """The receipt, if the request had an Idempotency-Key."""
