"""A part of the suite: a database, the schema's migration, or a service."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from control import replicas
from control.health import HealthStatus
from control.local.process import LaunchSpec

ComponentKind = Literal["database", "task", "service"]

STOP_TIMEOUT_SECONDS = 20.0
"""Seconds a service gets to finish or hand over what it does."""
DATABASE_STOP_TIMEOUT_SECONDS = 60.0
"""Seconds a database gets to write everything."""


@dataclass(frozen=True)
class Port:
    """A port of this machine, and what an operator changes to have another."""

    variable: str
    number: int
    offset: int = 0
    """How far from what the variable says."""

    def __str__(self) -> str:
        return f"{self.variable} + {self.offset}" if self.offset else self.variable


@dataclass(frozen=True)
class Component:
    """What the supervisor needs to know of one process."""

    name: str
    kind: ComponentKind
    prepare_launch: Callable[[], LaunchSpec]
    """Prepares what the process needs and says how to start it. May block; raises ControlError."""
    check_health: Callable[[], HealthStatus] | None = None
    """Asks whether it does its work, within 2 s. None: it is a task that ends."""
    depends_on: tuple[str, ...] = ()
    """The parts that must be ready before this one starts."""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = STOP_TIMEOUT_SECONDS
    """Seconds between the signal to stop and the end by force."""
    ports: tuple[Port, ...] = ()
    """Where it listens; but not those that a part before it of the same service has taken."""

    @property
    def service(self) -> str:
        """Whose replica it is."""
        return replicas.parse_service_name(self.name)

    @property
    def is_extra_replica(self) -> bool:
        """It is not the first of its service."""
        return self.name != self.service

    @property
    def is_database(self) -> bool:
        """It outlives what uses it: stopped last."""
        return self.kind == "database"
