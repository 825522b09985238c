"""The record of a fault that a storm has injected."""

from dataclasses import dataclass

from tests.chaos.storm.plan import FaultKind


@dataclass
class FaultRecord:
    """A fault, its start and end (Unix time), and its target."""

    kind: FaultKind
    started_at: float
    ended_at: float
    process_name: str
    """For a fault of Telegram: its kind and method."""
