"""The expected and the actual state of a mailbox, for mailbox_state_machine.py."""

from collections import defaultdict
from dataclasses import dataclass, field

from smart_kit.mailbox import Delivery


@dataclass
class ReferenceModel:
    """The state that the mailbox must have, by conversation."""

    sent: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """All messages, in order."""
    finished: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The messages whose `finish` was accepted, in order."""
    replies: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    lease_holder: dict[str, Delivery] = field(default_factory=dict)
    """The newest delivery: the only one whose operations may be accepted."""
    dead_letter_count: int = 0


@dataclass(frozen=True)
class MailboxState:
    """The state in Redis after a step."""

    waiting: dict[str, list[str]]
    replies: dict[str, list[str]]
    active: dict[str, str]
    delayed: list[str]
    entries: dict[str, list[str]]
    pending: set[str]
    dead_letter_count: int
