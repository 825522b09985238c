"""What runs, and how well."""

import argparse
import time

from control import environment
from control.context import Context
from control.health import Health
from control.local.part import Part
from control.local.process import resident_memory
from control.local.progress import healths
from control.local.run_directory import PartStatus
from control.local.suite import Suite
from control.terminal import DIM, GREEN, RED

_HEADINGS = ("service", "pid", "state", "uptime", "restarts", "memory", "health")


def run(context: Context, options: argparse.Namespace) -> int:
    suite = Suite(context.settings, context.services, context.virtualenv.python)
    if suite.run.supervisor():
        return 0 if show(context, suite, only=options.service) else 1
    strays = suite.run.processes()
    if strays:
        context.terminal.warn(
            f"the supervisor is gone, {', '.join(strays)} run on: ./manage.py start takes over"
        )
    else:
        context.terminal.line("Smart Assistant is not running.")
    return 1


def show(context: Context, suite: Suite, *, only: list[str] | None = None) -> bool:
    """Print the table; whether everything is well."""
    chosen = [suite.part(name).name for name in only or ()] or [part.name for part in suite.parts]
    parts = [part for part in suite.parts if part.name in chosen]
    status = suite.run.status()
    running = (part for part in parts if _of(status, part).state == "running")
    answers = healths(running)
    rows: list[tuple[tuple[str, ...], str]] = [(_HEADINGS, DIM)]
    everything_is_well = True
    for part in parts:
        known = _of(status, part)
        health = _health(known, answers.get(part.name))
        everything_is_well &= health.ok
        rows.append((_row(part, known, health), GREEN if health.ok else RED))
    _print(context, rows)
    _hint_at_changes(context, suite)
    return everything_is_well


def _of(status: dict[str, PartStatus], part: Part) -> PartStatus:
    return status.get(part.name, PartStatus(state="stopped"))


def _health(known: PartStatus, answer: Health | None) -> Health:
    if known.state == "done":
        return Health(ok=True, detail="done")
    if answer is None:
        return Health(ok=False, detail=known.reason if known.state == "failing" else "")
    return Health(ok=answer.ok, detail="ok" if answer.ok else answer.detail)


def _row(part: Part, known: PartStatus, health: Health) -> tuple[str, ...]:
    memory = resident_memory(known.pid) if known.pid else None
    return (
        part.name,
        str(known.pid or "-"),
        known.state,
        _duration(time.time() - known.since) if known.pid else "-",
        str(known.restarts),
        f"{memory / 2**20:.0f} MB" if memory else "-",
        health.detail,
    )


def _duration(amount: float) -> str:
    minutes, rest = divmod(int(amount), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes}m"
    return f"{minutes}m {rest}s" if minutes else f"{rest}s"


def _print(context: Context, rows: list[tuple[tuple[str, ...], str]]) -> None:
    widths = [max(len(cells[column]) for cells, _ in rows) for column in range(len(_HEADINGS))]
    for cells, colour in rows:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        if cells is _HEADINGS:
            padded = [context.terminal.paint(cell, colour) for cell in padded]
        else:
            padded[-1] = context.terminal.paint(padded[-1].rstrip(), colour)
        context.terminal.line("  ".join(padded).rstrip())


def _hint_at_changes(context: Context, suite: Suite) -> None:
    if environment.changed_since(context.root, suite.run.path / "supervisor"):
        context.terminal.warn(".env has changed since the start: ./manage.py restart takes it over")
