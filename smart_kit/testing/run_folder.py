"""The folder of a test run: what tests and their servers leave is in it, and goes with it.

`<folder for temporary files>/smart-assistant-tests-<uid>/<run>`. A run holds the lock of its folder
for as long as it lives, so a lock that can be taken proves its run dead: the next run clears it.
"""

import fcntl
import os
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smart_kit.testing import run_cleanup
from smart_kit.testing.leftover_processes import RUN_VARIABLE

RETAIN_VARIABLE = "KEEP_TEST_FILES"
"""`1` keeps the folder, for debugging."""
_RETAINED_MARKER = "retained"
"""A file that spares the folder of an ended run."""
_TRAVERSABLE_MODE = 0o711
"""A system user, as whom PostgreSQL runs for root, has to reach its files."""


def get_current_path() -> Path | None:
    """The folder of this test run; None in a process that belongs to none."""
    path = os.environ.get(RUN_VARIABLE)
    return Path(path) if path else None


@contextmanager
def create_run_folder() -> Iterator["RunFolder"]:
    """For a program that starts servers or suites: a folder while it runs."""
    folder = RunFolder.create()
    try:
        yield folder
    finally:
        folder.close()


class RunFolder:
    """The folder of this process, and of what it starts."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.is_retained = os.environ.get(RETAIN_VARIABLE) == "1"
        self._lock = lock
        self._previous_environment = {
            name: os.environ.get(name) for name in (RUN_VARIABLE, "TMPDIR")
        }

    @classmethod
    def create(cls) -> "RunFolder":
        """Clear what killed runs have left, and have temporary files made in a new folder."""
        with _locked_parent() as parent:
            abandoned = _find_abandoned_runs(parent)
            path = parent / secrets.token_hex(4)
            path.mkdir()
            path.chmod(_TRAVERSABLE_MODE)
            folder = cls(path, _lock(path))
        for one, lock in abandoned:
            _clean_up(one)
            os.close(lock)
        _set_environment({RUN_VARIABLE: str(path), "TMPDIR": str(path)})
        return folder

    def close(self) -> None:
        """Delete it with everything, unless it is to be kept."""
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


def _set_environment(variables: dict[str, str | None] | dict[str, str]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    tempfile.tempdir = None  # asks for TMPDIR again


@contextmanager
def _locked_parent() -> Iterator[Path]:
    """The folder of all our runs, ours alone while it is open: so no run is seen half made."""
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
        # in a folder that anybody may write to, somebody else may have made it first
        if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode):
            raise RuntimeError(f"{path} is not a folder of this user: remove it")
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists() and path.stat().st_ino == os.fstat(lock).st_ino:
            path.chmod(_TRAVERSABLE_MODE)
            return lock
        os.close(lock)  # the last run has just removed it


def _find_abandoned_runs(parent: Path) -> list[tuple[Path, int]]:
    """The folders of killed runs, and their locks, which keep others from clearing them too."""
    folders = [path for path in parent.iterdir() if not (path / _RETAINED_MARKER).exists()]
    return [(path, lock) for path in folders if (lock := _try_lock(path)) is not None]


def _lock(path: Path) -> int:
    lock = _try_lock(path)
    assert lock is not None, "nobody else may look at it yet"
    return lock


def _try_lock(path: Path) -> int | None:
    """The lock of a folder; a program that is started does not inherit it."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # its run has just removed it, or it is no folder
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _clean_up(path: Path) -> None:
    """What cannot be cleared does not fail a run; the next one tries again."""
    try:
        run_cleanup.clean_up(path)
        _delete_tree(path)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"not all of a test run in {path} could be removed: {error}\n")


def _delete_tree(path: Path) -> None:
    try:
        shutil.rmtree(path)
    except PermissionError:  # of a folder that a test has closed to itself
        for folder, names, _ in os.walk(path):
            for closed in (Path(folder, name) for name in names):
                if not closed.is_symlink():
                    closed.chmod(0o700)  # before os.walk looks into it
        shutil.rmtree(path)
