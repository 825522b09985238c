"""Running a program that has much to tidy up."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_TERMINATED = 128 + signal.SIGTERM
"""The exit status after SIGTERM, as shells give it."""


def run(command: Sequence[str | Path], root: Path, environ: Mapping[str, str]) -> int:
    """Its exit status. Ctrl-C reaches it as well, SIGTERM is passed on: both wait for its end."""
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
    """Has SIGTERM raise SystemExit meanwhile."""
    former = signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
