"""Deleting a suite's data."""

import argparse
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from control import confirmation, disk
from control.arguments import USAGE
from control.context import Context
from control.errors import ControlError
from control.local import postgres, shared_folder
from control.local.run_directory import RunDirectory
from control.local.shared_folder import Database
from control.local.shutdown import shut_down

DATA = ("postgres", "postgres.password", "redis", "sandbox", "run", "logs")
"""What a suite keeps in STATE_DIR beside the settings of the operator."""
SETTINGS = ("mode", "replicas.json", "secrets.env")
"""What stays: `secrets.env` may open the data of the same suite in Docker."""


def run(context: Context, options: argparse.Namespace) -> int:
    """Stop the suite and delete what it keeps; raises ControlError where that is not confirmed.

    Interrupted, the same command goes on where it ended.
    """
    if options.service:
        raise ControlError("--remove deletes the data of all services: leave --service out", USAGE)
    state_dir, terminal = context.state_dir, context.terminal
    databases = _outside(state_dir)
    inside = [state_dir / name for name in DATA if os.path.lexists(state_dir / name)]
    if not inside and not databases:
        terminal.line("Nothing to remove.")
        return 0
    confirmation.require(terminal, _described(inside, databases), is_given=options.yes)
    suite = RunDirectory(state_dir)
    shut_down(suite, terminal)
    with terminal.step("remove"), suite.locked():
        for database in databases:
            postgres.end_server(database.path)
            database.remove()
        for path in inside:
            _delete(path)
    _say_what_stays(context)
    return 0


def _outside(state_dir: Path) -> list[Database]:
    """Databases that had to be elsewhere, also those of earlier folders of this path."""
    known = shared_folder.databases()
    found = {database.path: database for database in known if database.state_dir == state_dir}
    link = state_dir / "postgres"
    if link.is_symlink() and link.exists():
        found.setdefault(link.resolve(), Database(link.resolve(), state_dir))
    return list(found.values())


def _described(inside: Iterable[Path], databases: Iterable[Database]) -> Iterable[str]:
    for database in databases:
        yield f"{database.path} ({disk.megabytes(database.size)})"
    for path in inside:
        if not path.is_symlink():
            yield f"{path} ({disk.megabytes(disk.used(path))})"


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _say_what_stays(context: Context) -> None:
    kept = [context.root / ".env", context.root / ".venv"]
    kept += [context.state_dir / name for name in SETTINGS]
    shown = [os.path.relpath(path, context.root) for path in kept if path.exists()]
    if shown:
        context.terminal.line(f"Settings and programs stay: {', '.join(shown)}")
