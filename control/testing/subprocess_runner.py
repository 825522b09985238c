"""Running a program that needs time to clean up."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_TERMINATED = 128 + signal.SIGTERM
"""The exit status after SIGTERM, as in a shell."""


def run(command: Sequence[str | Path], root: Path, environ: Mapping[str, str]) -> int:
    """Return the exit status. Ctrl-C reaches the program too; SIGTERM is passed on; both wait."""
    with _exit_on_sigterm(), subprocess.Popen(command, cwd=root, env=environ) as process:
        try:
            return process.wait()
        except SystemExit:
            process.terminate()
            raise
        finally:
            process.wait()


@contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    former = signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
