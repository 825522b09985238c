"""What runs, and how well."""

import argparse
from datetime import UTC, datetime

from control import health, table
from control.context import Context
from control.docker.compose import Compose
from control.docker.container import Container
from control.table import Row


def run(context: Context, options: argparse.Namespace) -> int:
    compose = Compose.of(context)
    there = compose.containers()
    named = options.service
    containers = [one for one in there if not named or one.service in named]
    if not containers:
        context.terminal.line("Smart Assistant is not running.")
        return 1
    memory = compose.memory(containers)
    rows = [_row(compose, one, there, memory.get(one.id)) for one in containers]
    return 0 if table.show(context.terminal, rows) else 1


def _row(
    compose: Compose, container: Container, beside: list[Container], memory: int | None
) -> Row:
    runs = container.state == "running"
    is_well = container.is_well
    return Row(
        container.name,
        process=container.id[:12],
        state="done" if container.is_task and container.is_well else container.state,
        uptime=(datetime.now(UTC) - container.started_at).total_seconds() if runs else None,
        restarts=container.restarts,
        memory=memory,
        is_well=is_well,
        health=_well(container) if is_well else compose.why_unwell(container, beside),
    )


def _well(container: Container) -> str:
    note = health.note(container.checks[-1]) if container.checks else ""
    return f"ok: {note}" if note else "ok"
