"""A durable queue on Redis in which a conversation's messages keep their order.

Per conversation a list of waiting messages; one stream whose entries are *conversations with work*,
read by a consumer group, never more than one live entry a conversation. So any number of replicas
share the conversations, each conversation is first in, first out, and a slow one delays no other.

A message is never in a worker's memory only: `begin` leaves it in its list, `finish` removes it in
the same atomic step in which its consequences appear. Each take raises a fencing token; what holds
an older one is refused.
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
