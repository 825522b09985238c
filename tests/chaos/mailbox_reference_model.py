"""What must be true of a mailbox, and what is found in it."""

from collections import defaultdict
from dataclasses import dataclass, field

from smart_kit.mailbox import Delivery


@dataclass
class ReferenceModel:
    """What must be true."""

    sent: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Every message of a conversation, in order."""
    finished: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Those whose end was accepted."""
    replies: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    lease_holder: dict[str, Delivery] = field(default_factory=dict)
    """The newest delivery of a conversation: only it may do anything."""
    dead_letter_count: int = 0


@dataclass(frozen=True)
class MailboxState:
    """What is in Redis after a step."""

    waiting: dict[str, list[str]]
    replies: dict[str, list[str]]
    active: dict[str, str]
    delayed: list[str]
    entries: dict[str, list[str]]
    pending: set[str]
    dead_letter_count: int
