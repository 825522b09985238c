"""Calls that violate the Bot API although a real server accepts them silently.

Tests fail on a violation; the chat page shows their number.
"""

from collections import deque

import structlog

from sandbox.telegram.state.event_bus import EventBus

log = structlog.stdlib.get_logger()

MAX_VIOLATIONS = 1000


class ViolationLog:
    """The newest violations, the oldest first, in memory only."""

    def __init__(self, event_bus: EventBus) -> None:
        self._event_bus = event_bus
        self.items: deque[dict[str, str]] = deque(maxlen=MAX_VIOLATIONS)

    def record(self, method: str, kind: str, detail: str) -> None:
        """Add a violation and report the new count to the chat pages.

        `kind` is unknown_method, unknown_parameter, wrong_type or loads_address. The last one is a
        message that makes Telegram fetch a URL, which may leak data that a model put into the URL.
        """
        violation = {"method": method, "kind": kind, "detail": detail}
        self.items.append(violation)
        log.warning("bot api violation recorded", **violation)
        self._event_bus.publish("violations", None, {"count": len(self.items)})
