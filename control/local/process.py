"""Processes that are known by more than their number.

A process number is used again; a number and the moment of birth never are. Each process writes
both down itself before it becomes what it is to be, so that there is no instant in which it
runs unrecorded: whoever starts it may be killed at any time.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from control.local.system_user import SystemUser

_BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
_RECORD_AND_EXEC_SCRIPT = (
    f'echo "$$"; cat {_BOOT_ID_FILE} "/proc/$$/stat" 2>/dev/null || ps -o lstart= -p "$$";'
    ' exec "$@" >&2'
)
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class LaunchSpec:
    """What to run, and as whom."""

    command: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    user: SystemUser | None = None

    def return_self(self) -> "LaunchSpec":
        """For what needs no preparation."""
        return self


def build_database_environment(state_dir: Path) -> dict[str, str]:
    """What a database sees: none of the suite's variables but the folder that tells whose it is."""
    path = os.environ.get("PATH", os.defpath)
    return {"PATH": path, "LC_ALL": "C", "TZ": "UTC", "STATE_DIR": str(state_dir)}


@dataclass(frozen=True)
class Process:
    """A process, for certain."""

    pid: int
    start_time: str

    @classmethod
    def from_pid(cls, pid: int) -> "Process | None":
        """The process that has this number now."""
        birth = _read_start_time(pid)
        return cls(pid, birth) if birth else None

    @classmethod
    def from_record(cls, record: Path) -> "Process | None":
        """The process that wrote the record, if it wrote all of it."""
        try:
            pid, _, rest = record.read_text().partition("\n")
            birth = _parse_start_time(rest)
        except (FileNotFoundError, IndexError, ValueError):  # the last two: half of a record
            return None
        return cls(int(pid), birth) if pid.isdecimal() and birth else None

    @property
    def is_alive(self) -> bool:
        return _read_start_time(self.pid) == self.start_time

    @property
    def command_line(self) -> str:
        """Its program and arguments; empty where it is gone."""
        try:
            return Path(f"/proc/{self.pid}/cmdline").read_text(errors="replace").replace("\0", " ")
        except OSError:
            return _ps("command", self.pid)

    def send_signal(self, number: signal.Signals) -> None:
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def spawn(launch: LaunchSpec, record: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, its output added to the log."""
    user = launch.user
    with record.open("wb") as record_file, log.open("ab") as output:
        return subprocess.Popen(
            ("/bin/sh", "-c", _RECORD_AND_EXEC_SCRIPT, "sh", *launch.command),
            stdin=subprocess.DEVNULL,
            stdout=record_file,
            stderr=output,
            cwd=launch.cwd,
            env=dict(launch.env),
            start_new_session=True,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
        )


def wait_for_exit(processes: Iterable[Process], timeout: float) -> tuple[Process, ...]:
    """Wait for processes that are not our children; returns those that outlive `patience`, s."""
    deadline = time.monotonic() + timeout
    remaining = tuple(process for process in processes if process.is_alive)
    while remaining and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        remaining = tuple(process for process in remaining if process.is_alive)
    return remaining


def find_supervisor_by_environment(state_dir: Path) -> Process | None:
    """The supervisor of a suite whose folder is gone, found by what it has given to its services.

    None where there is none, or no /proc to look in.
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
    """Bytes of memory in use."""
    if not _BOOT_ID_FILE.exists():
        kilobytes = _ps("rss", pid)
        return int(kilobytes) * 1024 if kilobytes.isdecimal() else None
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _read_start_time(pid: int) -> str | None:
    """When a living process was born, in whatever form this system has; None if it is gone."""
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
    if state in "ZX":  # ended; only its parent has not asked for it
        return None
    return f"{boot} {numbers[18]}"


def _ps(column: str, pid: int) -> str:
    return subprocess.run(
        ("ps", "-o", f"{column}=", "-p", str(pid)), capture_output=True, text=True, check=False
    ).stdout.strip()
