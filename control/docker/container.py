"""A container as the engine describes it."""

import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from control import health, replicas
from control.docker import scale

_TASK_SERVICES = ("migrate", "setup")
"""Services that end on their own and are healthy once they have succeeded."""
_SIGNAL_STATUSES = range(129, 193)
"""Exit statuses of processes that a signal has ended: 128 plus its number."""


@dataclass(frozen=True)
class Container:
    """The facts about a container that commands use."""

    id: str
    service: str
    number: int
    """The number of the replica, from 1."""
    state: str
    """created, running, restarting, paused, removing, exited, dead."""
    health: str
    """starting, healthy, unhealthy; empty without a health check."""
    check_outputs: tuple[str, ...]
    """The output of the last health checks, the newest last."""
    exit_status: int
    """The status of its last exit; negative: the number of a signal."""
    restarts: int
    started_at: datetime
    error: str
    """Why the engine could not start it; empty otherwise."""
    depends_on: tuple[str, ...]
    """Services that Compose starts first."""

    @classmethod
    def from_inspect_result(cls, facts: Mapping[str, Any]) -> "Container":
        """Convert the engine's description, in which everything but the id may be missing."""
        state = facts.get("State") or {}
        check, status = state.get("Health") or {}, state.get("ExitCode", 0)
        number = _get_label(facts, "container-number")
        service, replica_number = scale.parse_replica(
            _get_label(facts, "service") or str(facts.get("Name", "")).strip("/"),
            int(number) if number.isdecimal() else 1,
        )
        # `migrate:service_completed_successfully:false,redis:…`
        dependencies = filter(None, _get_label(facts, "depends_on").split(","))
        return cls(
            id=facts["Id"],
            service=service,
            number=replica_number,
            state=state.get("Status", "unknown"),
            health=check.get("Status", ""),
            check_outputs=tuple((it.get("Output") or "").strip() for it in check.get("Log") or ()),
            # as in Python, negative for a signal
            exit_status=128 - status if status in _SIGNAL_STATUSES else status,
            restarts=facts.get("RestartCount", 0),
            started_at=_parse_time(state.get("StartedAt", "")),
            error=state.get("Error", ""),
            depends_on=tuple(need.partition(":")[0] for need in dependencies),
        )

    @property
    def name(self) -> str:
        """Its name as in local mode."""
        return replicas.format_replica_name(self.service, self.number)

    @property
    def is_task(self) -> bool:
        return self.service in _TASK_SERVICES

    @property
    def has_exited(self) -> bool:
        """Whether it has ended, even if Docker will restart it."""
        return self.state in ("exited", "dead", "restarting")

    @property
    def is_healthy(self) -> bool:
        if self.is_task:
            return self.state == "exited" and self.exit_status == 0
        return self.state == "running" and self.health == "healthy"

    @property
    def is_stopped(self) -> bool:
        """Whether it was stopped in order, as by `stop --service`."""
        is_orderly = self.exit_status in (0, -signal.SIGTERM, -signal.SIGINT, -signal.SIGKILL)
        return self.state == "exited" and not self.is_task and is_orderly and not self.error

    @property
    def is_starting(self) -> bool:
        """Whether it may still become healthy, even after a restart."""
        return self.state == "running" and (self.is_task or self.health == "starting")

    def describe_unmet_dependencies(self, others: "Iterable[Container]") -> str:
        """Return which of `others` it needs and are unhealthy, as text; empty if there are none."""
        needed = (other for other in others if other.service in self.depends_on)
        names = ", ".join(other.name for other in needed if not other.is_healthy)
        return f"waits for {names}" if names else ""

    @property
    def health_error(self) -> str:
        """The answer of its own health check; empty if there is none."""
        is_checked = self.state == "running" and self.check_outputs
        return health.parse_detail(self.check_outputs[-1]) if is_checked else ""


def is_one_off(facts: Mapping[str, Any]) -> bool:
    """Whether `docker compose run` created it."""
    return _get_label(facts, "oneoff") == "True"


def _get_label(facts: Mapping[str, Any], name: str) -> str:
    labels = (facts.get("Config") or {}).get("Labels") or {}
    return labels.get(f"com.docker.compose.{name}") or ""


def _parse_time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text[:19] + "+00:00")
    except ValueError:
        return datetime.now(UTC)
