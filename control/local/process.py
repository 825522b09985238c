"""Processes, identified by their number and start time.

Numbers are reused; a number together with a start time is unique. Each process writes its own
record before it executes its program: the process that starts it can be killed at any time, and no
process must run without a record.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from control.local.system_user import SystemUser, build_user_options

_BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
_RECORD_AND_EXEC_SCRIPT = (
    f'echo "$$"; cat {_BOOT_ID_FILE} "/proc/$$/stat" 2>/dev/null || ps -o lstart= -p "$$";'
    ' exec "$@" >&2'
)
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class LaunchSpec:
    """How to start a process."""

    command: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    user: SystemUser | None = None

    def return_self(self) -> "LaunchSpec":
        """Return itself, as `prepare_launch` of components without preparation."""
        return self


def build_database_environment(state_dir: Path) -> dict[str, str]:
    """Return the environment of a database. STATE_DIR marks which suite it belongs to."""
    path = os.environ.get("PATH", os.defpath)
    return {"PATH": path, "LC_ALL": "C", "TZ": "UTC", "STATE_DIR": str(state_dir)}


@dataclass(frozen=True)
class Process:
    """A process that cannot be confused with another one."""

    pid: int
    start_time: str

    @classmethod
    def from_pid(cls, pid: int) -> "Process | None":
        """Return the process that has this number now."""
        start_time = _read_start_time(pid)
        return cls(pid, start_time) if start_time else None

    @classmethod
    def from_record(cls, record: Path) -> "Process | None":
        """Return the process that wrote a record; None if the record is incomplete."""
        try:
            pid, _, rest = record.read_text().partition("\n")
            start_time = _parse_start_time(rest)
        except (FileNotFoundError, IndexError, ValueError):  # the last two: an incomplete record
            return None
        return cls(int(pid), start_time) if pid.isdecimal() and start_time else None

    @property
    def is_alive(self) -> bool:
        return _read_start_time(self.pid) == self.start_time

    @property
    def command_line(self) -> str:
        """Its program and arguments; empty if it has ended."""
        try:
            return Path(f"/proc/{self.pid}/cmdline").read_text(errors="replace").replace("\0", " ")
        except OSError:
            return _ps("command", self.pid)

    def send_signal(self, number: signal.Signals) -> None:
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def spawn(launch: LaunchSpec, record: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start a process in its own session and append its output to the log."""
    with record.open("wb") as record_file, log.open("ab") as output:
        return subprocess.Popen[bytes](
            ("/bin/sh", "-c", _RECORD_AND_EXEC_SCRIPT, "sh", *launch.command),
            stdin=subprocess.DEVNULL,
            stdout=record_file,
            stderr=output,
            cwd=launch.cwd,
            env=dict(launch.env),
            start_new_session=True,
            **build_user_options(launch.user),
        )


def wait_for_exit(processes: Collection[Process], timeout: float) -> tuple[Process, ...]:
    """Wait for processes, children or not. Return those that still run after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while remaining := tuple(process for process in processes if process.is_alive):
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    return remaining


def find_supervisor_by_environment(state_dir: Path) -> Process | None:
    """Find the supervisor of a suite whose folder was deleted, by the environment of its children.

    None if there is none, or no /proc.
    """
    mark = f"STATE_DIR={state_dir}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            process = Process.from_pid(int(parent))
            if process and " supervise " in process.command_line:
                return process
    return None


def get_resident_memory(pid: int) -> int | None:
    """Return bytes."""
    if not _BOOT_ID_FILE.exists():
        kilobytes = _ps("rss", pid)
        return int(kilobytes) * 1024 if kilobytes.isdecimal() else None
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _read_start_time(pid: int) -> str | None:
    """Return the start time of a process in a platform-specific format; None if it has ended."""
    if not _BOOT_ID_FILE.exists():
        return _parse_start_time(_ps("lstart", pid))
    try:
        return _parse_start_time(_BOOT_ID_FILE.read_text() + Path(f"/proc/{pid}/stat").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None


def _parse_start_time(text: str) -> str | None:
    boot, newline, stat = text.strip().partition("\n")
    if not newline:
        return boot or None
    state, *numbers = stat.rpartition(")")[2].split()
    if state in "ZX":  # a zombie
        return None
    return f"{boot} {numbers[18]}"


def _ps(column: str, pid: int) -> str:
    command = ("ps", "-o", f"{column}=", "-p", str(pid))
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()
