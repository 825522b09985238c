"""An installer that records its calls and creates only the interpreter."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from control import requirements
from control.terminal import Terminal
from control.tests.conftest import ROOT
from control.tests.fake_machine import SUITABLE_MACHINE
from control.virtualenv import Virtualenv

FAKE_UV = """\
#!/bin/sh
echo "$@" >> {calls}
case "$1" in
  venv) for last; do :; done; mkdir -p "$last/bin"; ln -s {python} "$last/bin/python"; {venv} ;;
  pip) {pip} ;;
esac
"""
WAIT_SCRIPT = (
    "touch {home}/started; while [ ! -e {home}/continue ]; do sleep 0.02; done;"
    " touch {home}/finished"
)
"""A slow installer: it creates a file when it starts, and waits for another one."""

COMMAND_SCRIPT = """\
import os, signal, sys
from pathlib import Path
from control.cli import main
from control.context import Context
from control.terminal import Terminal
from control.tests.fake_machine import SUITABLE_MACHINE
# SIGINT is ignored if the tests run in the background
signal.signal(signal.SIGINT, signal.default_int_handler)
home = Path({home!r})
context = Context(
    home,
    home / "manage.py",
    dict(os.environ),
    Terminal.from_stream(),
    inspect_machine=lambda _: SUITABLE_MACHINE,
)
sys.exit(main(["rebuild", "--local"], context))
"""


class RepositoryWithFakeUv:
    """A repository with one pin in each requirements file, and `uv` on the PATH."""

    def __init__(
        self, home: Path, terminal: Terminal, pip: str = "exit 0", venv: str = "exit 0"
    ) -> None:
        self.home = home
        self.calls_file = home / "calls"
        self.write_pins("1.0")
        programs = home / "programs"
        programs.mkdir()
        self.uv = programs / "uv"
        self.path = f"{programs}:{os.environ['PATH']}"
        self.set_behaviour(pip, venv)
        log = home / "logs" / "install.log"
        self.virtualenv = Virtualenv(
            home, log, {"PATH": self.path}, terminal, lambda _: SUITABLE_MACHINE
        )

    def set_behaviour(self, pip: str = "exit 0", venv: str = "exit 0") -> None:
        """Set what the installer does after recording a call."""
        fill = {"pip": pip.format(home=self.home), "venv": venv.format(home=self.home)}
        fresh = self.uv.with_name("fresh")
        fresh.write_text(FAKE_UV.format(calls=self.calls_file, python=sys.executable, **fill))
        fresh.chmod(0o755)
        fresh.replace(self.uv)  # a shell reads its script while running it

    def write_pins(self, version: str) -> None:
        for file in (
            *requirements.runtime_files(self.home),
            *requirements.development_files(self.home),
        ):
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"no-such-package-here=={version} --hash=sha256:00\n")

    def pin_installed_package(self) -> None:
        """Pin a package that the interpreter of the tests has."""
        for file in requirements.runtime_files(self.home):
            file.write_text(f"pytest=={metadata.version('pytest')} --hash=sha256:00\n")

    @property
    def pins(self) -> str:
        return requirements.runtime_files(self.home)[-1].read_text()

    def start_rebuild(self) -> subprocess.Popen[str]:
        """Run `./manage.py rebuild --local`, with the installer in the same process group."""
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND_SCRIPT.format(home=str(self.home))],
            env={"PATH": self.path, "PYTHONPATH": str(ROOT), "STATE_DIR": str(self.home / "state")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @property
    def take_calls(self) -> list[str]:
        """Return and forget the first two arguments of each recorded call."""
        text = self.calls_file.read_text() if self.calls_file.exists() else ""
        self.calls_file.unlink(missing_ok=True)
        return [" ".join(line.split()[:2]) for line in text.splitlines()]
