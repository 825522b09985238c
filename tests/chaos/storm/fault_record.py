"""The record of a fault that a storm has injected."""

from dataclasses import asdict, dataclass
from typing import Any

from tests.chaos.storm.plan import FaultKind


@dataclass
class FaultRecord:
    """What was done, when (Unix time), and until when it lasted."""

    kind: FaultKind
    started_at: float
    ended_at: float
    process_name: str

    def to_json(self) -> dict[str, Any]:
        """A line of the evidence."""
        return asdict(self)
