"""One container, as the engine sees it."""

import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from control import health, replicas
from control.docker import scale

_TASK_SERVICES = ("migrate", "setup")
"""What ends by itself, and is well when it has."""
_LABEL_PREFIX = "com.docker.compose."
_SIGNAL_STATUSES = range(129, 193)
"""Exit statuses that mean one: Docker, like a shell, adds 128 to its number."""


@dataclass(frozen=True)
class Container:
    """What an operator wants to know of it."""

    id: str
    service: str
    number: int
    """Which of the service's replicas it is."""
    state: str
    """created, running, restarting, paused, removing, exited, dead."""
    health: str
    """starting, healthy, unhealthy; empty where there is no check."""
    check_outputs: tuple[str, ...]
    """What the last checks said, the newest last."""
    exit_status: int
    """With which it ended the last time; below 0: by that signal."""
    restarts: int
    started_at: datetime
    error: str
    """Why the engine could not start it; empty where it could."""
    depends_on: tuple[str, ...]
    """Services that Compose has ready before it starts this one."""

    @classmethod
    def from_inspect_result(cls, facts: Mapping[str, Any]) -> "Container":
        """From the engine's description of it, which may lack anything but the id."""
        state = facts.get("State") or {}
        labels = (facts.get("Config") or {}).get("Labels") or {}
        check = state.get("Health") or {}
        service, number = scale.parse_replica(
            labels.get(f"{_LABEL_PREFIX}service") or str(facts.get("Name", "")).strip("/"),
            _parse_number(labels.get(f"{_LABEL_PREFIX}container-number", "")),
        )
        return cls(
            id=facts["Id"],
            service=service,
            number=number,
            state=state.get("Status", "unknown"),
            health=check.get("Status", ""),
            check_outputs=tuple(_get_check_output(entry) for entry in check.get("Log") or ()),
            exit_status=_to_exit_status(state.get("ExitCode", 0)),
            restarts=facts.get("RestartCount", 0),
            started_at=_parse_time(state.get("StartedAt", "")),
            error=state.get("Error", ""),
            depends_on=tuple(_parse_dependencies(labels.get(f"{_LABEL_PREFIX}depends_on", ""))),
        )

    @property
    def name(self) -> str:
        """As in local mode."""
        return replicas.format_replica_name(self.service, self.number)

    @property
    def is_task(self) -> bool:
        return self.service in _TASK_SERVICES

    @property
    def has_exited(self) -> bool:
        """Even if it is about to start again."""
        return self.state in ("exited", "dead", "restarting")

    @property
    def is_healthy(self) -> bool:
        if self.is_task:
            return self.state == "exited" and self.exit_status == 0
        return self.state == "running" and self.health == "healthy"

    @property
    def is_stopped(self) -> bool:
        """Whether it has ended in order, as after `stop --service`."""
        is_orderly = self.exit_status in (0, -signal.SIGTERM, -signal.SIGINT, -signal.SIGKILL)
        return self.state == "exited" and not self.is_task and is_orderly and not self.error

    @property
    def is_starting(self) -> bool:
        """Whether it may yet become well; also where it has ended and was started again."""
        return self.state == "running" and (self.is_task or self.health == "starting")

    def describe_unmet_dependencies(self, others: "Iterable[Container]") -> str:
        """Of those beside it what it needs and is not well, in words; empty where there is none."""
        needs = [
            one.name for one in others if one.service in self.depends_on and not one.is_healthy
        ]
        return f"waits for {', '.join(needs)}" if needs else ""

    @property
    def health_error(self) -> str:
        """What it itself says that it misses; empty where it says nothing."""
        is_checked = self.state == "running" and self.check_outputs
        return health.parse_detail(self.check_outputs[-1]) if is_checked else ""


def is_one_off(facts: Mapping[str, Any]) -> bool:
    """Whether `docker compose run` made it, beside the suite."""
    labels = (facts.get("Config") or {}).get("Labels") or {}
    return bool(labels.get(f"{_LABEL_PREFIX}oneoff") == "True")


def _to_exit_status(code: int) -> int:
    """As Python has it: a signal's number is below 0."""
    return 128 - code if code in _SIGNAL_STATUSES else code


def _get_check_output(check: Mapping[str, Any]) -> str:
    return str(check.get("Output") or "").strip()


def _parse_number(label: str) -> int:
    return int(label) if label.isdecimal() else 1


def _parse_dependencies(label: str) -> list[str]:
    """Of `migrate:service_completed_successfully:false,redis:…`, the names."""
    return [need.partition(":")[0] for need in label.split(",") if need]


def _parse_time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text[:19] + "+00:00")
    except ValueError:
        return datetime.now(UTC)
