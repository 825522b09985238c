"""What a real server would have passed over in silence: kept for tests and for the chat page."""

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from sandbox.telegram.state.event_bus import ChatEvent, EventBus

log = structlog.stdlib.get_logger()

MAX_VIOLATIONS = 1000


@dataclass(frozen=True)
class Violation:
    """`kind` is unknown_method, unknown_parameter, wrong_type or loads_address.

    The last: a message that makes Telegram fetch an address, which a model may have written.
    """

    method: str
    kind: str
    detail: str

    def to_json(self) -> dict[str, str]:
        """For the route that tests read."""
        return asdict(self)


class ViolationLog:
    """The newest ones. Warnings are what nobody has verified on the real servers."""

    def __init__(self, event_bus: EventBus) -> None:
        self._event_bus = event_bus
        self.errors: deque[Violation] = deque(maxlen=MAX_VIOLATIONS)
        self.warnings: deque[Violation] = deque(maxlen=MAX_VIOLATIONS)

    def record(self, method: str, kind: str, detail: str) -> None:
        """A mistake of the bot."""
        self.errors.append(Violation(method, kind, detail))
        log.warning("bot api violation recorded", method=method, kind=kind, detail=detail)
        self._publish_count()

    def record_warning(self, method: str, detail: str) -> None:
        """Something doubtful."""
        self.warnings.append(Violation(method, "unverified", detail))

    def clear(self) -> None:
        """Begin anew."""
        self.errors.clear()
        self.warnings.clear()
        self._publish_count()

    def _publish_count(self) -> None:
        self._event_bus.publish(ChatEvent("violations", None, {"count": len(self.errors)}))

    def to_json(self) -> dict[str, Any]:
        """Mistakes in `items`, the rest in `warnings`; the oldest first."""
        return {
            "items": [one.to_json() for one in self.errors],
            "warnings": [one.to_json() for one in self.warnings],
        }
