"""What goes into a mailbox and what comes out."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import Field

from smart_kit.contracts.base import Contract, UtcDatetime, utc_now
from smart_kit.errors import SmartAssistantError


class LeaseLost(SmartAssistantError):
    """Another worker has this message now; whatever we do with it must stop."""


@dataclass(frozen=True)
class Envelope:
    """A message to enqueue."""

    message_id: str
    conversation: str
    payload: str


@dataclass(frozen=True)
class StreamEntry:
    """A conversation with work, as read from the stream."""

    id: str
    conversation: str


@dataclass(frozen=True)
class Delivery:
    """A message that this worker holds until its lease ends."""

    entry_id: str
    conversation: str
    fencing_token: int
    attempt: int
    """1 at first; higher where a worker died or failed with it."""
    payload: str


@dataclass(frozen=True)
class Outcome:
    """Everything that has to happen in the instant in which a message is done."""

    replies: tuple[Envelope, ...] = ()
    """Go into the mailbox that this one answers into."""
    history: tuple[str, ...] = ()
    """Items for the end of `thread_id`'s history."""
    thread_id: UUID | None = None
    archive_record: str = ""
    """For the archive; empty: none."""
    journal_message_id: str = ""
    """The message whose journal is no longer needed; empty: none."""


class DeadLetter(Contract):
    """A message that nobody could handle."""

    queue: str
    conversation: str
    payload: str
    reason: str
    attempts: int
    failed_at: UtcDatetime = Field(default_factory=utc_now)


@dataclass(frozen=True)
class QueueDepth:
    """How much lies in a mailbox."""

    conversations: int
    """With work: waiting, in work or delayed."""
    delayed: int
    oldest_seconds: float
    """Since the one that waits longest was woken; 0 where none waits."""
    dead_letters: int
