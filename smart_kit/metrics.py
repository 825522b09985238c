"""Metrics that several services share. Other metrics are defined beside what they measure."""

from prometheus_client import Counter, Gauge, Histogram

PROCESSED_MESSAGES = Counter(
    "smart_assistant_messages_total", "Processed queue messages by outcome", ["queue", "outcome"]
)
HANDLING_SECONDS = Histogram(
    "smart_assistant_message_seconds",
    "Time from receiving a message to its end",
    ["queue"],
    buckets=(0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 90),
)
QUEUE_CONVERSATIONS = Gauge(
    "smart_assistant_queue_conversations", "Conversations with work, by state", ["queue", "state"]
)
QUEUE_OLDEST_SECONDS = Gauge(
    "smart_assistant_queue_oldest_seconds", "Age of the oldest queue entry", ["queue"]
)
DEAD_LETTERS = Gauge("smart_assistant_dead_letters", "Dead letters", ["queue"])
