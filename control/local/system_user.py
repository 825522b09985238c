"""The system user that runs PostgreSQL if root starts the suite: PostgreSQL refuses to run as
root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from control.errors import ControlError

_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class SystemUser:
    """A user that is not root."""

    uid: int
    gid: int

    @classmethod
    def find(cls) -> "SystemUser":
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

    def can_run(self, *command: str, cwd: Path = Path("/")) -> bool:
        """Return whether a command succeeds as this user."""
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
        return self.can_run("/bin/sh", "-c", 'cd "$1"', "sh", str(folder))

    def chown(self, folder: Path) -> None:
        """Make the user the owner of a new folder."""
        os.chown(folder, self.uid, self.gid, follow_symlinks=False)
