"""What a real server would have passed over in silence: kept for tests and for the chat page."""

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from sandbox.telegram.state.feed import Event, Feed

log = structlog.stdlib.get_logger()

MOST = 1000


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


class Violations:
    """The newest ones. Warnings are what nobody has verified on the real servers."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.errors: deque[Violation] = deque(maxlen=MOST)
        self.warnings: deque[Violation] = deque(maxlen=MOST)

    def note(self, method: str, kind: str, detail: str) -> None:
        """A mistake of the bot."""
        self.errors.append(Violation(method, kind, detail))
        log.warning("not in the Bot API", method=method, kind=kind, detail=detail)
        self._tell()

    def warn(self, method: str, detail: str) -> None:
        """Something doubtful."""
        self.warnings.append(Violation(method, "unverified", detail))

    def clear(self) -> None:
        """Begin anew."""
        self.errors.clear()
        self.warnings.clear()
        self._tell()

    def _tell(self) -> None:
        self._feed.publish(Event("violations", None, {"count": len(self.errors)}))

    def to_json(self) -> dict[str, Any]:
        """Mistakes in `items`, the rest in `warnings`; the oldest first."""
        return {
            "items": [one.to_json() for one in self.errors],
            "warnings": [one.to_json() for one in self.warnings],
        }
