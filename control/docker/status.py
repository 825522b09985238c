"""The state of the containers: the status table, and what `./manage.py doctor` reports."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from control import health, mode_selection, status_table
from control.context import Context
from control.docker import engine
from control.docker.compose import Compose
from control.docker.container import Container
from control.errors import ControlError
from control.finding import Finding, make_error, make_warning
from control.status_table import StatusRow
from control.terminal import Terminal

_CHECK_AGAIN = "./manage.py status shows when it is healthy"


def show(terminal: Terminal, compose: Compose, services: Sequence[str]) -> bool:
    """Print the table. Return whether everything is healthy."""
    available = compose.list_containers()
    containers = [it for it in available if not services or it.service in services]
    if not containers:
        terminal.print_line("Smart Assistant is not running.")
        return False
    memory = compose.get_memory_usage(containers)
    rows = [_build_row(compose, it, available, memory.get(it.id)) for it in containers]
    return status_table.print_table(terminal, rows)


def _build_row(
    compose: Compose, container: Container, others: list[Container], memory: int | None
) -> StatusRow:
    is_running, is_healthy = container.state == "running", container.is_healthy
    note = health.parse_note(container.check_outputs[-1]) if container.check_outputs else ""
    detail = f"ok: {note}" if note else "ok"
    return StatusRow(
        container.name,
        process=container.id[:12],
        state="done" if container.is_task and is_healthy else container.state,
        uptime=(datetime.now(UTC) - container.started_at).total_seconds() if is_running else None,
        restarts=container.restarts,
        memory=memory,
        is_healthy=is_healthy,
        health=detail if is_healthy else compose.explain_unhealthy(container, others),
    )


def check_containers(context: Context) -> Iterator[Finding]:
    """Yield one finding for each unhealthy container, or one for the whole suite."""
    if problem := engine.find_availability_error(context.environ):
        if mode_selection.read_last_mode(context.state_dir) == "docker":
            yield make_error("suite", f"was started in Docker, and {problem}", "start Docker again")
        return
    compose = Compose.from_context(context)
    try:
        containers = compose.list_containers()
    except ControlError as error:
        yield make_error("suite", str(error), "docker compose ps may say more")
        return
    unhealthy = [container for container in containers if not container.is_healthy]
    for container in unhealthy:
        yield _build_finding(container, compose.explain_unhealthy(container, containers))
    if containers and not unhealthy:
        yield Finding("suite", f"runs in Docker, all {len(containers)} containers are healthy")


def _build_finding(container: Container, reason: str) -> Finding:
    name = container.name
    if container.is_stopped:
        return make_warning(name, "is stopped", f"./manage.py start --service {container.service}")
    if container.state == "removing":
        return make_warning(name, "is being removed", _CHECK_AGAIN)
    if container.is_starting and not container.restarts:
        return make_warning(name, f"is still starting ({reason})", _CHECK_AGAIN)
    return make_error(name, reason, "fix the cause, then ./manage.py restart")
