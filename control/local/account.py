"""PostgreSQL refuses to run as root: the system user it runs as then, and the places that user has.

Nobody's folder is made more open for it: where the user cannot go, ours are made where it can.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from control.errors import ControlError

_CANDIDATES = ("postgres", "nobody")
PLACES = (Path("/var/lib/smart-assistant"), Path(tempfile.gettempdir()) / "smart-assistant-root")


@dataclass(frozen=True)
class Account:
    """A user that is not root."""

    uid: int
    gid: int

    @classmethod
    def of_system(cls) -> "Account":
        for name in _CANDIDATES:
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid)
        raise ControlError(
            "running as root: PostgreSQL needs another user and there is neither 'postgres' nor"
            " 'nobody'; run ./manage.py as an ordinary user"
        )

    def can(self, *command: str, cwd: Path = Path("/")) -> bool:
        """Whether a command ends well as this user."""
        try:
            result = subprocess.run(
                command,
                user=self.uid,
                group=self.gid,
                extra_groups=[],
                cwd=cwd,
                env={},
                capture_output=True,
                check=False,
            )
        except OSError:
            return False
        return result.returncode == 0

    def can_enter(self, folder: Path) -> bool:
        return self.can("/bin/sh", "-c", 'cd "$1"', "sh", str(folder))

    def own(self, folder: Path) -> None:
        """Hand over a folder that we have just made."""
        os.chown(folder, self.uid, self.gid)


def place_for(account: Account, state_dir: Path, places: tuple[Path, ...] = PLACES) -> Path:
    """A new folder of the account's for the database of a state folder.

    Inside the state folder where the account may go there, else in the first possible place; the
    latter gets a number where an earlier state folder of that path has left a database behind.
    """
    if account.can_enter(state_dir):
        home = state_dir / "postgres"
        home.mkdir(mode=0o700)
    else:
        digest = hashlib.sha256(bytes(state_dir)).hexdigest()[:12]
        home = _numbered(_shared(account, places) / digest)
    account.own(home)
    return home


def runnable(account: Account, binaries: Path, places: tuple[Path, ...] = PLACES) -> Path:
    """The folder of PostgreSQL's programs, copied once to where the account can run them."""
    if account.can(str(binaries / "postgres"), "--version"):
        return binaries
    program = (binaries / "postgres").stat()
    seen = f"{binaries}:{program.st_size}:{program.st_mtime_ns}"
    name = f"postgresql-{hashlib.sha256(seen.encode()).hexdigest()[:12]}"
    copy = _shared(account, places) / name
    if not copy.exists():
        unfinished = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=copy.parent))
        shutil.copytree(binaries.parent, unfinished, symlinks=True, dirs_exist_ok=True)
        unfinished.chmod(0o755)
        unfinished.rename(copy)
    if not account.can(str(copy / "bin" / "postgres"), "--version"):
        raise ControlError(f"running as root: the user of PostgreSQL cannot run what is in {copy}")
    return copy / "bin"


def _numbered(path: Path) -> Path:
    number, home = 1, path
    while True:
        try:
            home.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
            home = path.with_name(f"{path.name}-{number}")
        else:
            return home


def _shared(account: Account, places: tuple[Path, ...]) -> Path:
    """The first place that root owns and the account may enter."""
    for place in places:
        try:
            place.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        # in a folder that anybody may write to, somebody else may have made it first
        found = place.lstat()
        if found.st_uid == 0 and not place.is_symlink() and account.can_enter(place):
            return place
    names = " nor ".join(str(place) for place in places)
    raise ControlError(f"running as root: the user of PostgreSQL can be neither in {names}")
