"""The user that runs PostgreSQL, which refuses to run as root, if root starts the suite."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    def can_run(self, *command: str) -> bool:
        """Return whether a command succeeds as this user."""
        options = build_user_options(self) | {"cwd": "/", "env": {}}
        try:
            result = subprocess.run(command, capture_output=True, **options)
        except OSError:
            return False
        return bool(result.returncode == 0)

    def can_enter(self, folder: Path) -> bool:
        return self.can_run("/bin/sh", "-c", 'cd "$1"', "sh", str(folder))

    def chown(self, folder: Path) -> None:
        """Make the user the owner of a new folder."""
        os.chown(folder, self.uid, self.gid, follow_symlinks=False)


def build_user_options(user: SystemUser | None) -> dict[str, Any]:
    """Return the options of `subprocess` for this user; none for the current one."""
    return {"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}
