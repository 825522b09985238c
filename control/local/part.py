"""A part of the suite: a database, the schema's migration, or a service."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from control.health import Health
from control.local.process import Launch

Kind = Literal["database", "task", "service"]

PATIENCE = 20.0
"""Seconds a service gets to finish or hand over what it does."""
DATABASE_PATIENCE = 60.0
"""Seconds a database gets to write everything."""


@dataclass(frozen=True)
class Part:
    """What the supervisor needs to know of one process."""

    name: str
    kind: Kind
    launch: Callable[[], Launch]
    """Prepares what the process needs and says how to start it. May block; raises ControlError."""
    health: Callable[[], Health] | None = None
    """Asks whether it does its work, within 2 s. None: it is a task that ends."""
    after: tuple[str, ...] = ()
    """The parts that must be ready before this one starts."""
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = PATIENCE
    """Seconds between the signal to stop and the end by force."""
    port: tuple[str, int] | None = None
    """The variable of its port, and the port."""

    @property
    def holds_data(self) -> bool:
        """It outlives what uses it: stopped last."""
        return self.kind == "database"
