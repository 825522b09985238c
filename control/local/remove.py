"""The data of a suite in local mode."""

import contextlib
import shutil
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from control import disk
from control.context import Context
from control.local import postgres, postgres_system_folder
from control.local.postgres_system_folder import SHARED_FOLDERS, Database
from control.local.run_directory import RunDirectory
from control.local.shutdown import shut_down
from control.mode import RemovableData

DATA_PATTERNS = (
    "postgres",
    "postgres.password",
    "redis",
    "sandbox/telegram.sqlite3*",
    "logs/*.log",
    "logs/*.log.*",
    "run",
)
"""What a suite stores in STATE_DIR besides the settings. The locks in `run` are deleted last."""
SETTINGS_FILES = ("mode", "replicas.json", "secrets.env", "containers.lock")
"""What is not deleted: `secrets.env` may belong to the data of the same suite in Docker."""


def find_removable_data(context: Context) -> RemovableData | None:
    """Return what `stop --remove` deletes; None if there is nothing."""
    databases = _find_databases_outside_state_dir(context.state_dir)
    inside = _find_data_in_state_dir(context.state_dir)
    if not inside and not databases:
        return None
    delete = partial(_delete_data, context, inside, databases)
    return RemovableData(_describe(inside, databases), delete, partial(_list_remaining, context))


def _delete_data(context: Context, inside: Iterable[Path], databases: Iterable[Database]) -> None:
    suite = RunDirectory(context.state_dir)
    shut_down(suite, context.terminal)
    with context.terminal.step("remove"), suite.acquire_supervisor_lock_if_present():
        for database in databases:
            postgres.stop_server(database)
            database.remove()
        for path in inside:
            _delete(path)
        for name in ("sandbox", "logs", "run"):
            with contextlib.suppress(OSError):  # it is gone, or holds files of other programs
                (context.state_dir / name).rmdir()


def _is_state_dir(folder: Path) -> bool:
    """Whether a suite has ever started there. Nothing is deleted in any other folder."""
    return any((folder / name).is_file() for name in SETTINGS_FILES)


def _find_data_in_state_dir(state_dir: Path) -> list[Path]:
    if not _is_state_dir(state_dir):
        return []
    found = [path for pattern in DATA_PATTERNS for path in sorted(state_dir.glob(pattern))]
    link = state_dir / "postgres"
    if link.is_symlink() and not link.exists():
        found.append(link)
    return sorted(found, key=lambda path: path.name == "run")


def _find_databases_outside_state_dir(state_dir: Path) -> list[Database]:
    """Return the databases outside STATE_DIR, including those of earlier folders with this path."""
    known = postgres_system_folder.find_databases()
    found = {database.path: database for database in known if database.state_dir == state_dir}
    link = state_dir / "postgres"
    target = link.resolve()
    is_elsewhere = link.is_symlink() and target.exists() and _is_state_dir(state_dir)
    if is_elsewhere and not postgres_system_folder.is_owned_by_another(target, state_dir):
        found.setdefault(target, Database(target, state_dir, target.parent in SHARED_FOLDERS))
    return list(found.values())


def _describe(inside: Iterable[Path], databases: Iterable[Database]) -> Iterable[str]:
    for database in databases:
        yield f"{database.path} ({disk.format_megabytes(database.size)})"
    for path in inside:
        if not path.is_symlink():
            yield f"{path} ({disk.format_megabytes(disk.get_disk_usage(path))})"


def _delete(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    for inner in sorted(path.iterdir(), key=lambda inner: inner.suffix == ".lock"):
        if inner.is_dir() and not inner.is_symlink():
            shutil.rmtree(inner)
        else:
            inner.unlink(missing_ok=True)
    path.rmdir()


def _list_remaining(context: Context) -> Iterator[str]:
    remaining = [context.root / ".env", context.root / ".venv"]
    remaining += [context.state_dir / name for name in SETTINGS_FILES]
    remaining += postgres_system_folder.find_program_copies()
    shown = [str(context.shorten_path(path)) for path in remaining if path.exists()]
    if shown:
        yield f"Settings and programs stay: {', '.join(shown)}"
