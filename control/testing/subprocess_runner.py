"""Running a program that needs time to clean up."""

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

INTERRUPTIBLE = ("-m", "control.testing.interruptible")
"""Options of Python before the name of a module that does not handle these signals itself."""
_TERMINATED = 128 + signal.SIGTERM
"""The exit status after SIGTERM, as in a shell."""


def run(command: Sequence[str | Path], root: Path, environ: Mapping[str, str]) -> int:
    """Return the exit status. Ctrl-C reaches the program too; SIGTERM is passed on; both wait."""
    former = signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    try:
        with subprocess.Popen(command, cwd=root, env=environ) as process:
            try:
                return process.wait()
            except SystemExit:
                process.terminate()
                raise
            finally:
                process.wait()
    finally:
        signal.signal(signal.SIGTERM, former)
