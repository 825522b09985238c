"""The status table of the containers."""

from collections.abc import Sequence
from datetime import UTC, datetime

from control import health, status_table
from control.docker.compose import Compose
from control.docker.container import Container
from control.status_table import StatusRow
from control.terminal import Terminal


def show(terminal: Terminal, compose: Compose, services: Sequence[str]) -> bool:
    """Print the table. Return whether everything is healthy."""
    available = compose.list_containers()
    containers = [one for one in available if not services or one.service in services]
    if not containers:
        terminal.print_line("Smart Assistant is not running.")
        return False
    memory = compose.get_memory_usage(containers)
    rows = [_build_row(compose, one, available, memory.get(one.id)) for one in containers]
    return status_table.print_table(terminal, rows)


def _build_row(
    compose: Compose, container: Container, others: list[Container], memory: int | None
) -> StatusRow:
    runs = container.state == "running"
    is_healthy = container.is_healthy
    return StatusRow(
        container.name,
        process=container.id[:12],
        state="done" if container.is_task and container.is_healthy else container.state,
        uptime=(datetime.now(UTC) - container.started_at).total_seconds() if runs else None,
        restarts=container.restarts,
        memory=memory,
        is_healthy=is_healthy,
        health=_format_healthy(container)
        if is_healthy
        else compose.explain_unhealthy(container, others),
    )


def _format_healthy(container: Container) -> str:
    note = health.parse_note(container.check_outputs[-1]) if container.check_outputs else ""
    return f"ok: {note}" if note else "ok"
