"""A durable queue on Redis that keeps the messages of a conversation in order.

Each conversation has a list of waiting messages. One stream, read by a consumer group, has an entry
for each conversation with work, never more than one live entry per conversation. Any number of
replicas can therefore share the conversations: each conversation is processed first in, first out,
and a slow one delays no other.

`begin` leaves a message in its list and `finish` removes it in the same atomic step that applies
its outcome, so a message never exists only in a worker's memory. Each delivery has a higher fencing
token than the one before; operations with an older token are refused.
"""

from smart_kit.mailbox.mailbox import Mailbox as Mailbox
from smart_kit.mailbox.messages import DeadLetter as DeadLetter
from smart_kit.mailbox.messages import Delivery as Delivery
from smart_kit.mailbox.messages import Envelope as Envelope
from smart_kit.mailbox.messages import LeaseLost as LeaseLost
from smart_kit.mailbox.messages import Outcome as Outcome
from smart_kit.mailbox.messages import QueueDepth as QueueDepth
from smart_kit.mailbox.messages import StreamEntry as StreamEntry
from smart_kit.mailbox.monitor import QueueMonitor as QueueMonitor
from smart_kit.mailbox.wakeup_reconciler import WakeupReconciler as WakeupReconciler
from smart_kit.mailbox.worker import DEFAULT_TIMINGS as DEFAULT_TIMINGS
from smart_kit.mailbox.worker import Worker as Worker
from smart_kit.mailbox.worker import WorkerTimings as WorkerTimings
from smart_kit.mailbox.worker import retry_until_redis as retry_until_redis
