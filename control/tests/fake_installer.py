"""An installer that writes down what it is asked and makes what it is to make."""

import os
import sys
from pathlib import Path

from control import requirements
from control.terminal import Terminal
from control.virtualenv import Virtualenv

FAKE_UV = """\
#!/bin/sh
echo "$@" >> {calls}
case "$1" in
  venv) for last; do :; done; mkdir -p "$last/bin"; ln -s {python} "$last/bin/python" ;;
  pip) {pip} ;;
esac
"""


class Place:
    """A repository with one pin in each requirement file, and `uv` on the PATH."""

    def __init__(self, home: Path, terminal: Terminal, pip: str = "exit 0") -> None:
        self.home = home
        self.calls_file = home / "calls"
        for file in (*requirements.to_run(home), *requirements.to_develop(home)):
            file.parent.mkdir(exist_ok=True)
            file.write_text("no-such-package-of-ours==1.0 --hash=sha256:00\n")
        programs = home / "programs"
        programs.mkdir()
        uv = programs / "uv"
        uv.write_text(FAKE_UV.format(calls=self.calls_file, python=sys.executable, pip=pip))
        uv.chmod(0o755)
        self.path = f"{programs}:{os.environ['PATH']}"
        log = home / "logs" / "install.log"
        self.virtualenv = Virtualenv(home, log, {"PATH": self.path}, terminal)

    @property
    def calls(self) -> list[str]:
        """The first words of each call since the last look."""
        text = self.calls_file.read_text() if self.calls_file.exists() else ""
        self.calls_file.unlink(missing_ok=True)
        return [" ".join(line.split()[:2]) for line in text.splitlines()]
