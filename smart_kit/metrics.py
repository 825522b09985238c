"""What every service counts; each service's own figures stand beside what they measure."""

from prometheus_client import Counter, Gauge, Histogram

PROCESSED_MESSAGES = Counter(
    "smart_assistant_messages_total", "Queue messages by what became of them", ["queue", "outcome"]
)
HANDLING_SECONDS = Histogram(
    "smart_assistant_message_seconds",
    "From taking a message to its end",
    ["queue"],
    buckets=(0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 90),
)
QUEUE_CONVERSATIONS = Gauge(
    "smart_assistant_queue_conversations",
    "Conversations with work, by what it waits for",
    ["queue", "state"],
)
QUEUE_OLDEST_SECONDS = Gauge(
    "smart_assistant_queue_oldest_seconds", "How long the one that waits longest has", ["queue"]
)
DEAD_LETTERS = Gauge("smart_assistant_dead_letters", "Messages that nobody could handle", ["queue"])
