"""The data that goes into a mailbox and comes out of it."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import Field

from smart_kit.contracts.base import Contract, UtcDatetime, utc_now
from smart_kit.errors import SmartAssistantError


class LeaseLost(SmartAssistantError):
    """Another worker holds this message now; this one must stop working on it."""


@dataclass(frozen=True)
class Envelope:
    """A message to enqueue."""

    message_id: str
    conversation: str
    payload: str


@dataclass(frozen=True)
class StreamEntry:
    """A stream entry: a conversation that has work."""

    id: str
    conversation: str


@dataclass(frozen=True)
class Delivery:
    """A message that a worker holds until its lease ends."""

    entry_id: str
    conversation: str
    fencing_token: int
    attempt: int
    """1 for the first attempt; higher after a worker crashed or failed."""
    payload: str


@dataclass(frozen=True)
class Outcome:
    """The consequences of a message. `finish` applies all of them atomically."""

    replies: tuple[Envelope, ...] = ()
    """Messages for the reply queue."""
    history: tuple[str, ...] = ()
    """Items to append to the history of `thread_id`."""
    thread_id: UUID | None = None
    history_limit: int = 0
    """Items of the thread that Redis keeps; at least 4 if there are any to append. A longer history
    loses its oldest items, a multiple of a quarter of the limit."""
    archive_record: str = ""
    """Record for the archive, as JSON; empty: none."""
    journal_message_id: str = ""
    """Message whose journal is deleted; empty: none."""


class DeadLetter(Contract):
    """A message that could not be processed."""

    queue: str
    conversation: str
    payload: str
    reason: str
    attempts: int
    failed_at: UtcDatetime = Field(default_factory=utc_now)


@dataclass(frozen=True)
class QueueDepth:
    """The size of a queue."""

    conversations: int
    """Conversations with work: waiting, running or delayed."""
    delayed: int
    oldest_seconds: float
    """Age of the oldest stream entry; 0 if there is none."""
    dead_letters: int
