"""One container, as the engine sees it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from control import replicas
from control.docker import scale

_TASKS = ("migrate", "setup")
"""What ends by itself, and is well when it has."""


@dataclass(frozen=True)
class Container:
    """What an operator wants to know of it."""

    id: str
    service: str
    number: int
    """Which of the service's replicas it is."""
    state: str
    """created, running, restarting, exited, …"""
    health: str
    """starting, healthy, unhealthy; empty where there is no check."""
    checks: tuple[str, ...]
    """What the last checks said, the newest last."""
    status: int
    """With which it ended the last time; below 0: by that signal."""
    restarts: int
    started_at: datetime

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "Container":
        """From the engine's description of it."""
        state, labels = facts["State"], facts["Config"]["Labels"]
        health = state.get("Health") or {}
        service, number = scale.replica(
            labels["com.docker.compose.service"], int(labels["com.docker.compose.container-number"])
        )
        return cls(
            id=facts["Id"],
            service=service,
            number=number,
            state=state["Status"],
            health=health.get("Status", ""),
            checks=tuple(check["Output"].strip() for check in health.get("Log") or ()),
            status=_status(state["ExitCode"]),
            restarts=facts["RestartCount"],
            started_at=datetime.fromisoformat(state["StartedAt"][:19] + "+00:00"),
        )

    @property
    def name(self) -> str:
        """As in local mode."""
        return replicas.name(self.service, self.number)

    @property
    def is_task(self) -> bool:
        return self.service in _TASKS

    @property
    def has_ended(self) -> bool:
        """Even if it is about to start again."""
        return self.state in ("exited", "dead", "restarting")

    @property
    def is_well(self) -> bool:
        if self.is_task:
            return self.state == "exited" and self.status == 0
        return self.state == "running" and self.health == "healthy"


def _status(code: int) -> int:
    """As Python has it; Docker, like a shell, adds 128 to a signal's number."""
    return 128 - code if code > 128 else code
