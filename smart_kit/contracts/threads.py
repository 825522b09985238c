"""Threads, their messages, and the records of turns."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import Field, TypeAdapter

from smart_kit.contracts.base import (
    Contract,
    Dollars,
    JsonObject,
    RecordRead,
    RequestBody,
    UtcDatetime,
)
from smart_kit.contracts.examples import EXAMPLE_IDS, example_config
from smart_kit.contracts.tools import ToolType


class ThreadCreate(RequestBody):
    """Starts a new thread of a user with an assistant. Messages of the old thread stay in it."""

    model_config = example_config(
        user_id=EXAMPLE_IDS["users"], assistant_id=EXAMPLE_IDS["assistants"]
    )

    user_id: UUID
    assistant_id: UUID


class ThreadRead(RecordRead):
    """The current thread of a user with an assistant."""

    user_id: UUID
    assistant_id: UUID
    thread_id: UUID
    last_used_at: UtcDatetime


class MessageRead(Contract):
    """A message of a thread, as it was sent to the model."""

    id: UUID
    thread_id: UUID
    user_id: UUID
    assistant_id: UUID
    message_id: str
    position: int = Field(description="Position within the turn, from 0")
    role: Literal["user", "assistant", "tool"]
    content: str
    payload: JsonObject
    is_in_context: bool
    """Whether later turns send it to the model; false if its turn failed and changed nothing."""
    created_at: UtcDatetime
    """When the user wrote it, the model answered it or the tool returned it."""


class MessagePage(Contract):
    """A page of messages, newest last."""

    items: list[MessageRead]
    total: int | None = Field(
        description="Number of messages in all pages; null if the query has with_total=false"
    )
    limit: int
    offset: int


class ModelFailure(Contract):
    """A failed or skipped attempt to call a model."""

    model: str
    provider: str
    reason: str
    seconds: float = 0.0
    prompt_tokens: int = 0
    """Tokens of a billed attempt; an estimate if the server reports none."""
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal | None = Field(None, description="USD; null: nothing, or unknown")


class StepRecord(Contract):
    """A model call or a tool call of a turn."""

    step: str
    """<model call>.<tool index>; sub-assistants append their own steps."""
    kind: Literal["model", "tool"]
    name: str = Field(description="Name of the model or of the tool")
    arguments: JsonObject | None = None
    result: str = ""
    provider: str = Field("", description="Name of the model's provider; empty for a tool")
    assistant_id: UUID | None = None
    """The assistant that called the model or the tool."""
    is_answered: bool = True
    """false: all models failed, and `name` is the last of them."""
    prompt_tokens: int = Field(0, description="An estimate if the server reports none")
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal | None = Field(None, description="USD without the failures; null: unknown")
    finish_reason: str = Field("", description="The finish reason that the model reported")
    failures: tuple[ModelFailure, ...] = ()
    started_at: UtcDatetime | None = None
    seconds: float = 0.0


class BaseTurn(Contract):
    """What every description of a finished turn has."""

    message_id: str
    user_id: UUID
    assistant_id: UUID
    thread_id: UUID
    configuration_version: int
    status: Literal["done", "failed"]
    started_at: UtcDatetime
    finished_at: UtcDatetime


class TurnRecord(BaseTurn):
    """A finished turn, for the archive in Postgres."""

    kind: Literal["turn"] = "turn"
    items: tuple[JsonObject, ...]
    is_in_context: bool = True
    """Whether later turns send the items to the model. False for a failed turn without effects."""
    steps: tuple[StepRecord, ...] = ()
    run_id: UUID | None = None
    requested_at: UtcDatetime
    """When the user sent the message, or the schedule fired."""
    clock_offset: timedelta = timedelta()
    """How far the sandbox's clock was ahead: the calls count for the budget of its day."""


class CronJobRunRecord(Contract):
    """The result of a run of a cron job that has no turn."""

    kind: Literal["run"] = "run"
    run_id: UUID
    state: Literal["done", "failed", "missed"]
    """`done`: the message was delivered."""
    reason: str | None = None
    """Why it was not."""
    ended_at: UtcDatetime


ArchiveRecord = Annotated[TurnRecord | CronJobRunRecord, Field(discriminator="kind")]
ARCHIVE_RECORD_ADAPTER: TypeAdapter[ArchiveRecord] = TypeAdapter(ArchiveRecord)


class TurnRead(BaseTurn):
    """An archived turn."""

    steps: list[StepRecord]
    prompt_tokens: int = Field(description="Sum of all calls, including failed attempts")
    completion_tokens: int
    cost: Dollars | None = Field(description="USD; null if the price of a call is unknown")


class TracedAssistantVersion(Contract):
    """A version of an assistant that took part in a turn."""

    id: UUID
    number: int = Field(description="Number of the version")
    name: str
    model: str | None = Field(description="The assistant's own model; null: the deployment's")
    instructions: str


class TracedToolVersion(Contract):
    """A version of a tool that one of the assistants had."""

    id: UUID
    number: int = Field(description="Number of the version")
    name: str
    tool_type: ToolType
    description: str
    was_called: bool


class TurnTraceRead(Contract):
    """A turn with the configuration that it used."""

    turn: TurnRead
    assistants: list[TracedAssistantVersion]
    """Assistants whose version of that time is stored; the same holds for tools."""
    tools: list[TracedToolVersion]
    messages: list[MessageRead] = Field(description="Messages that the turn added to its thread")


def derive_first_thread_id(user_id: UUID, assistant_id: UUID) -> UUID:
    """Return the id of a user's first thread with an assistant, without a request."""
    return uuid5(user_id, str(assistant_id))
