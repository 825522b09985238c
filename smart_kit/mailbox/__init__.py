"""A durable queue on Redis that keeps the messages of a conversation in order.

Each conversation has a list of waiting messages. One stream, read by a consumer group, has an entry
for each conversation with work, never more than one live entry per conversation. Any number of
replicas can therefore share the conversations: each conversation is processed first in, first out,
and a slow one delays no other.

`begin` leaves a message in its list and `finish` removes it in the same atomic step that applies
its outcome, so a message never exists only in a worker's memory. Each delivery has a higher fencing
token than the one before; operations with an older token are refused.
"""

from smart_kit.mailbox.mailbox import Mailbox
from smart_kit.mailbox.messages import (
    DeadLetter,
    Delivery,
    Envelope,
    LeaseLost,
    Outcome,
    QueueDepth,
    StreamEntry,
)
from smart_kit.mailbox.monitor import QueueMonitor
from smart_kit.mailbox.reconciler import MailboxReconciler
from smart_kit.mailbox.worker import DEFAULT_TIMINGS, Worker, WorkerTimings, retry_until_redis

__all__ = [
    "DEFAULT_TIMINGS",
    "DeadLetter",
    "Delivery",
    "Envelope",
    "LeaseLost",
    "Mailbox",
    "MailboxReconciler",
    "Outcome",
    "QueueDepth",
    "QueueMonitor",
    "StreamEntry",
    "Worker",
    "WorkerTimings",
    "retry_until_redis",
]
