"""Runs pip or uv with the operator's package index, logs the output and explains failures.

The index is configured by pip's variables.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from control.errors import ControlError
from control.file_lock import FileLock
from control.terminal import Terminal

_KNOWN_ERRORS = {
    "the disk is full": r"No space left on device",
    "this Python cannot make virtual environments: install its venv package (Debian, Ubuntu: apt"
    " install python3-venv), or uv": (
        r"ensurepip is not available|No module named '?(venv|ensurepip)"
    ),
    "the package index's certificate is not trusted: name the file of your authority's certificate"
    " in PIP_CERT": r"CERTIFICATE_VERIFY_FAILED|invalid peer certificate",
    "the package index is not an https:// address, so it is not trusted: name its host in"
    " PIP_TRUSTED_HOST": r"not a trusted or secure host",
    "the package index cannot be reached: look at the network, or at PIP_INDEX_URL": (
        r"NewConnectionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|NameResolutionError"
        r"|name resolution|[Dd]ns error|error sending request|Connection refused|Max retries"
    ),
    "a pinned package has no wheel for this machine: use Docker (./manage.py start --docker)": (
        r"platform tag|ABI tag|not a supported wheel"
    ),
    "the package index lacks a pinned package, or does not let you in: look at PIP_INDEX_URL": (
        r"No matching distribution found|there is no version of|was not found in the p"
    ),
}
_UV_EQUIVALENTS = {
    "PIP_INDEX_URL": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "PIP_EXTRA_INDEX_URL": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "PIP_FIND_LINKS": ("UV_FIND_LINKS",),
    "PIP_TRUSTED_HOST": ("UV_INSECURE_HOST",),
    "PIP_CERT": ("SSL_CERT_FILE",),
    "PIP_DEFAULT_TIMEOUT": ("UV_HTTP_TIMEOUT",),
}
"""uv's variables for each of pip's: the first is set, the others mean the same."""
_CREDENTIALS = re.compile(r"(?<=://)[^/\s]+(?=@)")


@dataclass(frozen=True)
class Installer:
    """Runs an installer."""

    log: Path
    environ: Mapping[str, str]
    terminal: Terminal
    lock: FileLock
    """Inherited by the installer: if this process is killed, other commands still wait for it."""

    def create_environment(self, folder: Path, base: str, action: str) -> None:
        """Create a virtual environment of the interpreter `base`."""
        uv = find_uv(self.environ)
        command = (uv, "venv", "--python", base) if uv else (base, "-m", "venv")
        self.run((*command, str(folder)), action)

    def install(
        self, files: Iterable[Path], python: Path, action: str, total: int = 0, *uv_options: str
    ) -> None:
        """Install the packages of some requirement files for an interpreter.

        The files list all packages, so no dependency needs resolving (`--no-deps`). Resolving,
        pip 23.2 (of Python 3.11.5 to 3.11.7) chooses the newest version of a package that another
        one names with an extra, and rejects it for its missing hash (pypa/pip issue 12345).
        """
        sources = (part for file in files for part in ("-r", str(file)))
        pip = ("pip", "install", "--require-hashes", "--no-deps", *sources)
        command = (str(python), "-m", *pip, "--progress-bar", "off")
        if uv := find_uv(self.environ):
            options = (*uv_options, *build_uv_options(self.environ))
            command = (uv, *pip, "--python", str(python), *options)
        self.run(command, action, total)

    def run(self, command: tuple[str, ...], action: str, total: int = 0) -> None:
        """Run a command for `total` packages. Raises ControlError with the reason if it fails."""
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=self._build_environment(),
            pass_fds=(self.lock.descriptor,),
        ) as process:
            assert process.stdout is not None
            lines = self._collect_output(process.stdout, action, total)
        if process.returncode:
            raise ControlError(f"{action}: {explain_failure(lines)} (all of it: {self.log})")

    def _collect_output(self, lines: Iterable[str], action: str, total: int) -> list[str]:
        output: list[str] = []
        with self.log.open("a", encoding="utf-8") as log:
            for line in map(redact, lines):
                log.write(line)
                output.append(line)
                self.terminal.show_progress(f"… {action} {_format_progress(output, total)}")
        return output

    def _build_environment(self) -> dict[str, str]:
        quiet = {
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PIP_RETRIES": "2",
            "UV_HTTP_RETRIES": "2",
            "UV_HTTP_TIMEOUT": "15",  # seconds, like pip's default; uv's is twice as long
        }
        return quiet | dict(self.environ) | to_uv_variables(self.environ)


def find_uv(environ: Mapping[str, str]) -> str | None:
    return shutil.which("uv", path=environ.get("PATH"))


def _format_progress(lines: list[str], total: int) -> str:
    collected = sum(line.startswith("Collecting ") for line in lines)
    if any(line.startswith("Installing collected") for line in lines):
        return "(unpacking)"
    return f"({min(collected, total)} of {total})" if collected and total else ""


def explain_failure(lines: list[str]) -> str:
    """Return the reason of a failure in one line."""
    text = " ".join("".join(lines).split())  # installers wrap lines at any place
    for meaning, sign in _KNOWN_ERRORS.items():
        if re.search(sign, text):
            return meaning
    errors = [line.strip() for line in lines if line.lower().startswith(("error", "  ×", "×"))]
    return (errors or [line.strip() for line in lines if line.strip()] or ["failed"])[-1]


def to_uv_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return uv's variables for the operator's variables of pip. uv's own have priority."""
    uv_variables = {
        names[0]: environ[name]
        for name, names in _UV_EQUIVALENTS.items()
        if environ.get(name) and not any(environ.get(own) for own in names)
    }
    if "UV_FIND_LINKS" in uv_variables:  # pip separates by spaces, uv by commas
        uv_variables["UV_FIND_LINKS"] = ",".join(uv_variables["UV_FIND_LINKS"].split())
    if "UV_INDEX" in uv_variables:
        # pip searches all indexes, uv only the first with the name; hashes make both safe
        strategy = environ.get("UV_INDEX_STRATEGY") or "unsafe-best-match"
        uv_variables["UV_INDEX_STRATEGY"] = strategy
    return uv_variables


def build_uv_options(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return options for what uv has no variable."""
    is_off = environ.get("PIP_NO_INDEX", "").lower() in ("1", "true", "yes", "on", "t", "y")
    return ("--no-index",) if is_off else ()


def redact(text: str) -> str:
    """Return a text without user names and passwords in URLs."""
    return _CREDENTIALS.sub("****", text)
