"""The Redis keys of one queue, and the fields of its streams.

The Lua scripts get every key as an argument, except the signs of life of the workers that
`take_over` finds; they write the field names themselves.
"""

CONVERSATION_FIELD = "conversation"
"""Field of a stream entry: the conversation that has work."""

DEAD_LETTER_FIELD = "dead_letter"
"""Field of an entry of the dead letter stream: a DeadLetter as JSON."""


class QueueKeys:
    """The keys of one queue. The stream has the queue's name; every other key begins with it."""

    def __init__(self, queue: str) -> None:
        self.stream = queue
        self.active = f"{queue}:active"
        """Hash: conversation to its stream entry, or `delayed`."""
        self.fence = f"{queue}:fence"
        """Hash: conversation to its newest fencing token."""
        self.attempts = f"{queue}:attempts"
        """Hash: conversation to the attempts at its first message."""
        self.seen = f"{queue}:seen"
        """Sorted set: message ids by the time they were enqueued, for deduplication."""
        self.delayed = f"{queue}:delayed"
        """Sorted set: delayed conversations by the time they are due."""
        self.dead = f"{queue}:dead"
        """Stream of dead letters."""
        self.waiting_prefix = f"{queue}:waiting:"
        self.alive_prefix = f"{queue}:alive:"

    def waiting(self, conversation: str) -> str:
        """The list of a conversation's messages, oldest first."""
        return self.waiting_prefix + conversation

    def alive(self, consumer: str) -> str:
        """The sign of life of a worker, which expires unless the worker renews it."""
        return self.alive_prefix + consumer
