"""A component of the suite: a database, the migration of the schema, or a service."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from control import replicas
from control.health import HealthStatus
from control.local.process import LaunchSpec

ComponentKind = Literal["database", "task", "service"]

STOP_TIMEOUT_SECONDS = 20.0
"""Seconds a service may take to finish or hand over its work."""
DATABASE_STOP_TIMEOUT_SECONDS = 60.0
"""Seconds a database may take to write everything."""


@dataclass(frozen=True)
class Port:
    """A port of this machine and the variable that changes it."""

    variable: str
    number: int
    offset: int = 0
    """The distance from the value of the variable."""

    def __str__(self) -> str:
        return f"{self.variable} + {self.offset}" if self.offset else self.variable


@dataclass(frozen=True)
class Component:
    """What the supervisor needs to know about one process."""

    name: str
    kind: ComponentKind
    prepare_launch: Callable[[], LaunchSpec]
    """Prepares the process and returns how to start it. May block; raises ControlError."""
    check_health: Callable[[], HealthStatus] | None = None
    """Checks the process within 2 s. None: it is a task that ends."""
    depends_on: tuple[str, ...] = ()
    """Components that must be ready before this one starts."""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = STOP_TIMEOUT_SECONDS
    """Seconds between the stop signal and SIGKILL."""
    ports: tuple[Port, ...] = ()
    """Where it listens, without ports that an earlier replica of the service uses."""

    @property
    def service(self) -> str:
        return replicas.parse_service_name(self.name)

    @property
    def is_extra_replica(self) -> bool:
        return self.name != self.service

    @property
    def is_database(self) -> bool:
        """Databases are stopped last."""
        return self.kind == "database"
