"""A `manage.py` that stops itself (SIGSTOP) as soon as a given file appears in STATE_DIR.

Its supervisor does the same. Both check for the file before each access to a file, start of a
program and connection, so nothing can happen between the file's appearance and the stop, however
slow the machine is. Processes that they have started keep running. A process that stops creates
the file `STOP_NOTE`.
"""

import os
import signal
import sys
import threading
import time
from glob import glob
from pathlib import Path
from stat import S_ISDIR
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # this file runs as a script, also as the supervisor

from control.cli import main  # noqa: E402 # needs the path above
from control.context import Context  # noqa: E402 # the same
from control.terminal import Terminal  # noqa: E402 # the same

STOP_AT_VARIABLE, STOP_SINCE_VARIABLE, STOP_NOTE_VARIABLE = "STOP_AT", "STOP_SINCE", "STOP_NOTE"
"""Environment variables: the glob pattern of the file in STATE_DIR; the Unix time after which the
file must have been created; the path of the note."""

_AUDIT_EVENTS = frozenset(
    (
        "open",
        "os.kill",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "socket.connect",
        "subprocess.Popen",
    )
)


def stop_when_file_appears(pattern: Path, since: float, note: Path) -> None:
    """Install an audit hook that stops this process, whichever thread finds a matching file."""
    state = threading.local()

    def on_audit_event(event: str, _: tuple[Any, ...]) -> None:
        if event not in _AUDIT_EVENTS or getattr(state, "is_checking", False):
            return
        state.is_checking = True  # the check itself accesses files
        paths = glob(str(pattern))  # noqa: PTH207 # Path.glob raises if a folder is being removed
        if any(_is_new(Path(path), since) for path in paths):
            note.touch()
            os.kill(os.getpid(), signal.SIGSTOP)
            while True:  # the signal may arrive a little later
                time.sleep(1)
        state.is_checking = False

    sys.addaudithook(on_audit_event)


def _is_new(path: Path, since: float) -> bool:
    """Return whether this start has created the path. A file counts once it has content."""
    try:
        status = path.stat()
    except OSError:  # left by an earlier attempt and being removed
        return False
    return status.st_ctime > since and (S_ISDIR(status.st_mode) or status.st_size > 0)


if __name__ == "__main__":
    environ = dict(os.environ)
    stop_when_file_appears(
        Path(environ["STATE_DIR"]) / environ[STOP_AT_VARIABLE],
        float(environ[STOP_SINCE_VARIABLE]),
        Path(environ[STOP_NOTE_VARIABLE]),
    )
    sys.exit(main(context=Context(ROOT, Path(__file__).resolve(), environ, Terminal.from_stream())))
