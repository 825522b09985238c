"""A `manage.py` that stops where it is, its supervisor too, as soon as a file of its suite appears.

Each of them looks before it touches a file, starts a program or calls somebody, so that what has
appeared can neither go again nor be followed by anything before it was seen, however slow the
machine is. What they have started goes on. `STOP_AT` names the file; the file `STOP_NOTE` is made
when one of them stops.
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
sys.path.insert(0, str(ROOT))  # the supervisor is started as this very file

from control.cli import main  # noqa: E402 # found by the path above
from control.context import Context  # noqa: E402 # the same
from control.terminal import Terminal  # noqa: E402 # the same

STOP_AT_VARIABLE, STOP_SINCE_VARIABLE, STOP_NOTE_VARIABLE = "STOP_AT", "STOP_SINCE", "STOP_NOTE"
"""Variables: a pattern of names in STATE_DIR, since when (Unix time) a file counts, the note."""

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
    """From now on, in this process, in each of its threads."""
    looking = threading.local()

    def on_audit_event(event: str, _: tuple[Any, ...]) -> None:
        if event not in _AUDIT_EVENTS or getattr(looking, "is_looking", False):
            return
        looking.is_looking = True  # to look is to touch files
        found = glob(str(pattern))  # noqa: PTH207 # Path.glob raises where a folder is being removed
        if any(_is_new(Path(path), since) for path in found):
            note.touch()
            os.kill(os.getpid(), signal.SIGSTOP)
            while True:  # it may run a little until the signal reaches it
                time.sleep(1)
        looking.is_looking = False

    sys.addaudithook(on_audit_event)


def _is_new(path: Path, since: float) -> bool:
    """Whether it was made by this start, and is no record that a process has yet to fill."""
    try:
        facts = path.stat()
    except OSError:  # it was another attempt's, and is being removed
        return False
    return facts.st_ctime > since and (S_ISDIR(facts.st_mode) or facts.st_size > 0)


if __name__ == "__main__":
    environ = dict(os.environ)
    at = Path(environ["STATE_DIR"]) / environ[STOP_AT_VARIABLE]
    stop_when_file_appears(
        at, float(environ[STOP_SINCE_VARIABLE]), Path(environ[STOP_NOTE_VARIABLE])
    )
    sys.exit(main(context=Context(ROOT, Path(__file__).resolve(), environ, Terminal.from_stream())))
