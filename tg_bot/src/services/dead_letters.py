"""Updates that cannot be handled. They go unchanged to the dead letters of queue:to_secretary."""

import json
from dataclasses import dataclass
from typing import Any

from smart_kit.mailbox import DeadLetter


@dataclass(frozen=True)
class FailedUpdate:
    """An update as Telegram sent it, and why it failed."""

    raw: Any
    reason: str

    def to_dead_letter(self, queue: str) -> DeadLetter:
        """Return the dead letter to store for this update."""
        try:
            payload = json.dumps(self.raw)
        except RecursionError:
            note = {"update_id": self.raw.get("update_id"), "error": "nested too deeply to store"}
            payload = json.dumps(note)
        return DeadLetter(
            queue=queue, conversation="", payload=payload, reason=self.reason, attempts=1
        )
