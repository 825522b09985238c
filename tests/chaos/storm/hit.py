"""What a storm has done to whom."""

from dataclasses import asdict, dataclass
from typing import Any

from tests.chaos.storm.plan import Blow


@dataclass
class Hit:
    """What was done, when (Unix time), and until when it lasted."""

    blow: Blow
    at: float
    until: float
    name: str

    def to_json(self) -> dict[str, Any]:
        """A line of the evidence."""
        return asdict(self)
