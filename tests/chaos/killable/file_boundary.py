"""Records writes to the disk and started processes as side effects.

No service does either, so no kill point is listed for them: the first one makes a test fail.
"""

import os
import sys
from typing import Any

from tests.chaos.killable.crash_points import KILL_FOLDER, CrashPoints

_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_AUDIT_EVENTS = frozenset(
    (
        "os.mkdir",
        "os.posix_spawn",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "os.system",
        "subprocess.Popen",
    )
)
_IGNORED_PATHS = (f"/{KILL_FOLDER}/", "__pycache__", os.devnull, "uname")
"""The notes of crash_points.py, byte code, /dev/null, and the `uname` call of the OpenAI SDK."""


def instrument(crash_points: CrashPoints) -> None:
    """Install an audit hook in this process that reaches a crash point before each write."""

    def on_audit_event(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = args
            is_descriptor = isinstance(path, int)  # the file is open already
            if not is_descriptor and flags & _WRITE_FLAGS and not _is_ignored(str(path)):
                crash_points.reach("before", f"write {path}")
        elif event in _AUDIT_EVENTS and not _is_ignored(str(args[0])):
            crash_points.reach("before", f"{event} {args[0]}")

    sys.addaudithook(on_audit_event)


def _is_ignored(path: str) -> bool:
    return any(part in path for part in _IGNORED_PATHS)
