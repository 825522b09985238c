"""Threads, and what was said and done in them."""

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import Field, TypeAdapter

from smart_kit.contracts.base import Contract, Dollars, JsonObject, RequestBody, UtcDatetime
from smart_kit.contracts.examples import EXAMPLE_IDS, example
from smart_kit.contracts.tools import ToolType


class ThreadCreate(RequestBody):
    """Begins a new thread of a user with an assistant; the old one's messages keep theirs."""

    model_config = example(user_id=EXAMPLE_IDS["users"], assistant_id=EXAMPLE_IDS["assistants"])

    user_id: UUID
    assistant_id: UUID


class ThreadRead(Contract):
    """The current thread of a user with an assistant."""

    id: UUID
    user_id: UUID
    assistant_id: UUID
    thread_id: UUID
    last_used_at: UtcDatetime
    created_at: UtcDatetime
    updated_at: UtcDatetime


class MessageRead(Contract):
    """One item of a thread, as it was sent to the model."""

    id: UUID
    thread_id: UUID
    user_id: UUID
    assistant_id: UUID
    message_id: str
    position: int = Field(description="Its place within the turn, from 0")
    role: Literal["user", "assistant", "tool"]
    content: str
    payload: JsonObject
    is_in_context: bool = Field(
        description="Whether later turns send it to the model; false where its turn failed and"
        " changed nothing"
    )
    created_at: UtcDatetime = Field(
        description="When the user wrote it, the model answered it or the tool returned it"
    )


class ModelFailure(Contract):
    """A model that was asked in vain, or for a reason not at all."""

    model: str
    provider: str
    reason: str
    seconds: float = 0.0
    prompt_tokens: int = Field(
        0, description="Where it was paid for; about, where the server has not said"
    )
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal | None = Field(None, description="USD; null: nothing, or not known")


class StepRecord(Contract):
    """A model call or a tool call of a turn."""

    step: str = Field(description="<model call>.<tool index>, dotted on for sub-assistants")
    kind: Literal["model", "tool"]
    name: str = Field(description="The model's or the function's name")
    arguments: JsonObject | None = None
    result: str = ""
    provider: str = Field("", description="Of the model; empty: of a turn before there were any")
    assistant_id: UUID | None = Field(None, description="Who asked the model or called the tool")
    is_answered: bool = Field(True, description="False: all models failed, the last one is named")
    prompt_tokens: int = Field(0, description="About, where the server has not said")
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal | None = Field(None, description="USD, without the failures'; null: not known")
    finish_reason: str = Field("", description="Why the model ended, in its own word")
    failures: tuple[ModelFailure, ...] = ()
    started_at: UtcDatetime | None = None
    seconds: float = 0.0


class TurnRecord(Contract):
    """A whole turn, on its way from the queue into Postgres."""

    kind: Literal["turn"] = "turn"
    message_id: str
    user_id: UUID
    assistant_id: UUID
    thread_id: UUID
    configuration_version: int
    status: Literal["done", "failed"]
    items: tuple[JsonObject, ...]
    is_in_context: bool = True
    """Whether later turns send the items to the model. False for a failed turn without effects."""
    steps: tuple[StepRecord, ...] = ()
    run_id: UUID | None = None
    requested_at: UtcDatetime
    """When the user sent the message, or the schedule fired."""
    started_at: UtcDatetime
    finished_at: UtcDatetime


class RunRecord(Contract):
    """What became of the run of a schedule where no turn tells it."""

    kind: Literal["run"] = "run"
    run_id: UUID
    state: Literal["done", "failed"]
    """Whether it reached its person."""
    ended_at: UtcDatetime


ArchiveRecord = Annotated[TurnRecord | RunRecord, Field(discriminator="kind")]
ARCHIVE_RECORD_ADAPTER: TypeAdapter[ArchiveRecord] = TypeAdapter(ArchiveRecord)


class TurnRead(Contract):
    """A turn as it is kept."""

    message_id: str
    user_id: UUID
    assistant_id: UUID
    thread_id: UUID
    configuration_version: int
    status: Literal["done", "failed"]
    steps: list[StepRecord]
    prompt_tokens: int = Field(description="Of all calls, attempts in vain included")
    completion_tokens: int
    cost: Dollars | None = Field(description="USD; null where a call's price is not known")
    started_at: UtcDatetime
    finished_at: UtcDatetime


class TracedAssistant(Contract):
    """An assistant that took part in a turn, as it was."""

    id: UUID
    number: int = Field(description="Of its version")
    name: str
    model: str | None = Field(description="Its own; null: the deployment's")
    instructions: str


class TracedTool(Contract):
    """A tool that one of them was offered, as it was."""

    id: UUID
    number: int = Field(description="Of its version")
    name: str
    tool_type: ToolType
    description: str
    was_called: bool


class TurnTraceRead(Contract):
    """A turn with the configuration that it was made with."""

    turn: TurnRead
    assistants: list[TracedAssistant] = Field(
        description="Those of which a version of that time is kept, as with tools"
    )
    tools: list[TracedTool]
    messages: list[MessageRead] = Field(description="What the turn has added to its thread")


def derive_first_thread_id(user_id: UUID, assistant_id: UUID) -> UUID:
    """The thread of a user with an assistant until they begin another: known without asking."""
    return uuid5(user_id, str(assistant_id))
