"""Calls that violate the Bot API although a real server accepts them silently.

Tests fail on a violation; the chat page shows their number.
"""

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from sandbox.telegram.state.event_bus import ChatEvent, EventBus

log = structlog.stdlib.get_logger()

MAX_VIOLATIONS = 1000


@dataclass(frozen=True)
class Violation:
    """A call that does not conform to the Bot API.

    `kind` is unknown_method, unknown_parameter, wrong_type or loads_address. The last one is a
    message that makes Telegram fetch a URL, which may leak data that a model put into the URL.
    """

    method: str
    kind: str
    detail: str


class ViolationLog:
    """The newest violations, in memory only."""

    def __init__(self, event_bus: EventBus) -> None:
        self._event_bus = event_bus
        self._violations: deque[Violation] = deque(maxlen=MAX_VIOLATIONS)

    def record(self, method: str, kind: str, detail: str) -> None:
        """Add a violation and report the new count to the chat pages."""
        self._violations.append(Violation(method, kind, detail))
        log.warning("bot api violation recorded", method=method, kind=kind, detail=detail)
        count = len(self._violations)
        self._event_bus.publish(ChatEvent("violations", None, {"count": count}))

    def to_json(self) -> dict[str, Any]:
        """Return all violations, the oldest first."""
        return {"items": [asdict(violation) for violation in self._violations]}
