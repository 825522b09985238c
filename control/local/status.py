"""What runs, and how well."""

import argparse
import time
from collections.abc import Mapping

from control import environment, table
from control.context import Context
from control.health import Health
from control.local.part import Part
from control.local.process import resident_memory
from control.local.progress import healths
from control.local.run_directory import SIGNS_AGAIN, PartStatus
from control.local.suite import Suite
from control.table import Row


def run(context: Context, options: argparse.Namespace) -> int:
    suite = Suite.of(context, context.virtualenv.python)
    for file in suite.run.damaged():
        context.terminal.warn(
            f"{file} is damaged and counts as absent: ./manage.py restart makes it anew"
        )
    if suite.run.supervisor():
        return 0 if show(context, suite, only=options.service) else 1
    strays = suite.run.processes()
    if strays and suite.run.path / "supervisor" in suite.run.damaged():
        context.terminal.warn(
            f"whether the supervisor of {', '.join(strays)} lives cannot be told: {SIGNS_AGAIN},"
            " else ./manage.py start takes over"
        )
    elif strays:
        context.terminal.warn(
            f"the supervisor is gone, {', '.join(strays)} run on: ./manage.py start takes over"
        )
    else:
        context.terminal.line("Smart Assistant is not running.")
    return 1


def show(context: Context, suite: Suite, *, only: list[str] | None = None) -> bool:
    """Print the table; whether everything is well."""
    chosen = suite.named(only or ())
    parts = [part for part in suite.parts if not chosen or part.name in chosen]
    status = suite.run.status()
    running = (part for part in parts if _of(status, part).state == "running")
    answers = healths(running)
    rows = (_row(part, status, answers.get(part.name)) for part in parts)
    is_well = table.show(context.terminal, rows)
    _hint_at_changes(context, suite)
    return is_well


def _of(status: Mapping[str, PartStatus], part: Part) -> PartStatus:
    return status.get(part.name, PartStatus(state="stopped"))


def waits_for(part: Part, status: Mapping[str, PartStatus]) -> list[str]:
    """What has to be ready before a part begins, and is not."""
    if _of(status, part).state != "waiting":
        return []
    ready = {name for name, known in status.items() if known.state in ("running", "done")}
    return [name for name in part.after if name not in ready or status[name].keeps_failing]


def health_of(known: PartStatus, answer: Health | None) -> Health:
    """How well a part is: by its own answer, else by why it has failed the last time."""
    if known.state == "done":
        return Health(ok=True, detail="done")
    if answer and answer.ok:
        return Health(ok=True, detail=f"ok: {answer.detail}" if answer.detail else "ok")
    if known.keeps_failing and not (answer and answer.answered):
        return Health(ok=False, detail=known.reason)
    return answer or Health(ok=False)


def _row(part: Part, status: Mapping[str, PartStatus], answer: Health | None) -> Row:
    known = _of(status, part)
    health = health_of(known, answer)
    if needs := waits_for(part, status):
        health = Health(ok=False, detail=f"waits for {', '.join(needs)}")
    return Row(
        part.name,
        process=str(known.pid or ""),
        state=known.state,
        uptime=time.time() - known.since if known.pid else None,
        restarts=known.restarts,
        memory=resident_memory(known.pid) if known.pid else None,
        is_well=health.ok,
        health=health.detail,
    )


def _hint_at_changes(context: Context, suite: Suite) -> None:
    if environment.changed_since(context.root, suite.run.path / "supervisor"):
        context.terminal.warn(".env has changed since the start: ./manage.py restart takes it over")
