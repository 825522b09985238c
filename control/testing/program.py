"""Running a program that has much to tidy up."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run(command: Sequence[str | Path], root: Path, environ: Mapping[str, str]) -> int:
    """Its exit status. Ctrl-C reaches it as well: it is not killed, but waited for."""
    with subprocess.Popen(command, cwd=root, env=environ) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise
