"""The folder of a test run. It has all files of tests and their servers, and is deleted at the end.

Its path is `<folder for temporary files>/smart-assistant-tests-<uid>/<run>`. A run holds the lock
of its folder while it lives. A free lock proves that its run is dead; the next run deletes it.
"""

import fcntl
import os
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from smart_kit.testing import run_cleanup
from smart_kit.testing.leftover_processes import RUN_VARIABLE

RETAIN_VARIABLE = "KEEP_TEST_FILES"
"""Variable: `1` keeps the folder, for debugging."""
_RETAINED_MARKER = "retained"
"""File that protects the folder of an ended run from deletion."""
_TRAVERSABLE_MODE = 0o711
"""Mode of the folder: as root, PostgreSQL runs as another user and must reach its files."""


def get_current_path() -> Path | None:
    """Return the folder of this test run, or None outside of one."""
    path = os.environ.get(RUN_VARIABLE)
    return Path(path) if path else None


@contextmanager
def temporary_run_folder() -> Iterator["RunFolder"]:
    """Create a run folder for a program that starts servers or suites."""
    folder = RunFolder.create()
    try:
        yield folder
    finally:
        folder.close()


class RunFolder:
    """The run folder of this process and its children."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.is_retained = os.environ.get(RETAIN_VARIABLE) == "1"
        self._lock = lock
        self._previous_environment = {
            name: os.environ.get(name) for name in (RUN_VARIABLE, "TMPDIR")
        }

    @classmethod
    def create(cls) -> "RunFolder":
        """Delete the folders of killed runs and create temporary files in a new folder."""
        with _locked_parent() as parent:
            abandoned = _find_abandoned_runs(parent)
            path = parent / secrets.token_hex(4)
            path.mkdir()
            path.chmod(_TRAVERSABLE_MODE)
            lock = _try_lock(path)
            assert lock is not None, "no other process may look at it yet"
        for abandoned_path, abandoned_lock in abandoned:
            _clean_up(abandoned_path)
            os.close(abandoned_lock)
        folder = cls(path, lock)
        _set_environment({RUN_VARIABLE: str(path), "TMPDIR": str(path)})
        return folder

    def close(self) -> None:
        """Delete the folder unless it is to be kept."""
        _set_environment(self._previous_environment)
        if self.is_retained:
            (self.path / _RETAINED_MARKER).touch()
            sys.stderr.write(f"the files of this run are kept in {self.path}\n")
        else:
            _clean_up(self.path)
        os.close(self._lock)
        with _locked_parent() as parent:
            if not any(parent.iterdir()):
                parent.rmdir()


def _set_environment(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    tempfile.tempdir = None  # makes tempfile read TMPDIR again


@contextmanager
def _locked_parent() -> Iterator[Path]:
    """Lock the folder of all runs, so that no other process sees a half-created run."""
    path = Path(tempfile.gettempdir()).resolve() / f"smart-assistant-tests-{os.geteuid()}"
    lock = _acquire_parent_lock(path)
    try:
        yield path
    finally:
        os.close(lock)


def _acquire_parent_lock(path: Path) -> int:
    while True:
        path.mkdir(mode=_TRAVERSABLE_MODE, exist_ok=True)
        found = path.lstat()
        # another user may have created it in a world-writable folder
        if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode):
            raise RuntimeError(f"{path} is not a folder of this user: remove it")
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists() and path.stat().st_ino == os.fstat(lock).st_ino:
            path.chmod(_TRAVERSABLE_MODE)
            return lock
        os.close(lock)  # the last run removed it meanwhile


def _find_abandoned_runs(parent: Path) -> list[tuple[Path, int]]:
    """Return the folders of killed runs with their locks, which this process holds."""
    folders = [path for path in parent.iterdir() if not (path / _RETAINED_MARKER).exists()]
    return [(path, lock) for path in folders if (lock := _try_lock(path)) is not None]


def _try_lock(path: Path) -> int | None:
    """Open the lock of a folder; child processes do not inherit it."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # its run removed it meanwhile, or it is not a folder
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _clean_up(path: Path) -> None:
    """Delete a folder. A failure is ignored; the next run tries again."""
    try:
        run_cleanup.clean_up(path)
        _delete_tree(path)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"not all of a test run in {path} could be removed: {error}\n")


def _delete_tree(path: Path) -> None:
    try:
        shutil.rmtree(path)
    except PermissionError:  # a test removed the permissions of a folder
        for folder, names, _ in os.walk(path):
            for closed in (Path(folder, name) for name in names):
                if not closed.is_symlink():
                    closed.chmod(0o700)  # before os.walk reads it
        shutil.rmtree(path)
