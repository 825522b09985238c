"""`STATE_DIR/run`: the files through which supervisor and commands communicate, across crashes.

supervisor.lock      held by a supervisor as long as it lives
commands.lock        held briefly while a command changes the desired state; not granted while the
                     supervisor has not yet read what an earlier command has written
supervisor           the process of the supervisor
processes/<name>     the process of each component, written by itself
desired_state.json   what should run: written by commands, read by the supervisor on SIGHUP
environment.json     the environment for components that start next; deleted once it is read
status.json          what runs: written by the supervisor

An unreadable file, for example after a power cut, counts as absent; `find_damaged_files` lists it.
"""

import json
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from control.credentials import write_private_file
from control.errors import ControlError
from control.file_lock import FileLock
from control.local import timeouts
from control.local.process import Process

MIN_UPTIME_SECONDS = 10.0
"""Seconds after which a start counts as successful, as in Docker."""
RECORD_REPAIR_HINT = "a living supervisor writes it again within a minute"
State = Literal["waiting", "starting", "running", "failing", "stopping", "stopped", "done"]


@dataclass(frozen=True)
class DesiredState:
    """Whether a component should run. A higher generation requests a new process."""

    should_run: bool
    generation: int = 0


@dataclass
class ComponentStatus:
    """The state of a component, as the supervisor sees it."""

    state: State = "waiting"
    pid: int | None = None
    since: float = 0.0
    """Unix time of this state."""
    restarts: int = 0
    generation: int = 0
    consecutive_failures: int = 0
    """Consecutive exits, each soon after its start."""
    exit_reason: str = ""
    """Why the process ended the last time, unless it was stopped."""
    log_offset: int = 0
    """Position in the log at which the current process began, in bytes."""

    @property
    def is_crash_looping(self) -> bool:
        """Whether it has just exited, or was restarted only moments ago."""
        has_just_started = time.time() - self.since < MIN_UPTIME_SECONDS
        return self.consecutive_failures > 0 and (self.state == "failing" or has_just_started)


class AlreadyRunning(ControlError):
    """A supervisor is running and holds the lock."""


class RunDirectory:
    """The files of one suite."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.path = state_dir / "run"
        self.logs = state_dir / "logs"
        self._process_records = self.path / "processes"
        self._environment_file = self.path / "environment.json"

    def create(self) -> None:
        for folder in (self.path, self._process_records, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def acquire_supervisor_lock(self) -> FileLock:
        """Return the lock that permits starting and ending processes. Reading needs no lock.

        Raises AlreadyRunning, or ControlError if another command holds the lock.
        """
        deadline = time.monotonic() + timeouts.LOCK_TIMEOUT_SECONDS
        while (lock := FileLock.try_acquire(self.path / "supervisor.lock")) is None:
            if self.find_supervisor():
                raise AlreadyRunning("another ./manage.py has started the suite")
            if time.monotonic() > deadline:
                if (record := self.path / "supervisor") in self.find_damaged_files():
                    raise ControlError(f"{record} is damaged: {RECORD_REPAIR_HINT}: try again then")
                action = "starting or stopping the suite"
                raise ControlError(f"another ./manage.py is {action}: try again")
            time.sleep(timeouts.POLL_SECONDS)
        return lock

    def acquire_supervisor_lock_if_present(self) -> AbstractContextManager[object]:
        """Return the supervisor lock; without a folder there is nothing to lock."""
        return self.acquire_supervisor_lock() if self.path.exists() else nullcontext()

    def acquire_command_lock(self) -> FileLock:
        """Return the lock that permits changing the desired state. For short operations."""
        lock = self._wait_for_command_lock()
        deadline = time.monotonic() + timeouts.PICKUP_TIMEOUT_SECONDS
        # until the environment of an earlier command has been read
        while (supervisor := self.find_supervisor()) and self._environment_file.exists():
            lock.release()
            if time.monotonic() > deadline:
                raise ControlError(
                    "the supervisor does not read what another ./manage.py has requested, as if it"
                    f" were suspended: kill -CONT {supervisor.pid}, or ./manage.py restart"
                )
            supervisor.send_signal(signal.SIGHUP)  # that command may have been killed before it did
            time.sleep(timeouts.POLL_SECONDS)
            lock = self._wait_for_command_lock()
        return lock

    def _wait_for_command_lock(self) -> FileLock:
        deadline = time.monotonic() + timeouts.LOCK_TIMEOUT_SECONDS
        while (lock := self.try_acquire_command_lock()) is None:
            if time.monotonic() > deadline:
                raise ControlError("another ./manage.py is changing what runs: try again")
            time.sleep(timeouts.POLL_SECONDS)
        return lock

    def try_acquire_command_lock(self) -> FileLock | None:
        """Return the command lock; None if a command holds it."""
        return FileLock.try_acquire(self.path / "commands.lock")

    def find_damaged_files(self) -> list[Path]:
        """Return the files that exist and cannot be read."""
        files = [self.path / name for name in _PARSERS]
        return [file for file in files if file.exists() and self._read_file(file.name) is None]

    def log_file(self, component: str) -> Path:
        return self.logs / f"{component}.log"

    def process_record_path(self, component: str) -> Path:
        return self._process_records / component

    def find_processes(self) -> dict[str, Process]:
        """Return the recorded processes that are alive."""
        records = sorted(self._process_records.iterdir()) if self._process_records.exists() else []
        found = ((record.name, Process.from_record(record)) for record in records)
        return {name: process for name, process in found if process and process.is_alive}

    def remove_process_records(self) -> None:
        for record in self._process_records.glob("*"):
            record.unlink(missing_ok=True)

    def write_supervisor(self, process: Process) -> None:
        write_private_file(self.path / "supervisor", json.dumps(asdict(process)))

    @property
    def supervisor_uptime(self) -> float:
        """Seconds."""
        return time.time() - (self.path / "supervisor").stat().st_mtime

    def find_supervisor(self) -> Process | None:
        process: Process | None = self._read_file("supervisor")
        return process if process and process.is_alive else None

    def write_desired_states(self, states: dict[str, DesiredState]) -> None:
        write_private_file(self.path / "desired_state.json", json.dumps(states, default=asdict))

    def read_desired_states(self) -> dict[str, DesiredState]:
        """Return the states of all components; empty if the file is missing or damaged."""
        return self._read_file("desired_state.json") or {}

    def require_desired_states(self, names: Iterable[str]) -> dict[str, DesiredState]:
        """Return the states of components. Raises ControlError for one that did not start."""
        states, names = self.read_desired_states(), tuple(names)
        for name in names:
            if name not in states:
                problem = f"{name} is not part of the running suite"
                advice = "settings have changed since its start: run ./manage.py restart"
                raise ControlError(f"{problem}: {advice}")
        return {name: states[name] for name in names}

    def write_environment(self, environ: Mapping[str, str]) -> None:
        write_private_file(self._environment_file, json.dumps(dict(environ)))

    def take_environment(self) -> dict[str, str] | None:
        """Return and delete the environment that a command has written."""
        environ: dict[str, str] | None = self._read_file(self._environment_file.name)
        self.remove_environment()
        return environ

    def remove_environment(self) -> None:
        """Delete the environment: it holds secrets."""
        self._environment_file.unlink(missing_ok=True)

    def write_status(self, status: dict[str, ComponentStatus]) -> None:
        text = json.dumps(status, default=asdict, indent=1)
        write_private_file(self.path / "status.json", text)

    def read_status(self) -> dict[str, ComponentStatus]:
        return self._read_file("status.json") or {}

    def remove_orphaned_environment(self) -> None:
        """Delete the environment without a supervisor. A command with the lock does it itself."""
        if lock := self.try_acquire_command_lock():
            with lock:
                if self.find_supervisor() is None:
                    self.remove_environment()

    def remove_status(self) -> None:
        (self.path / "status.json").unlink(missing_ok=True)

    def _read_file(self, name: str) -> Any:
        try:
            return _PARSERS[name](json.loads((self.path / name).read_text("utf-8")))
        except (FileNotFoundError, AttributeError, LookupError, TypeError, ValueError):
            return None


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "supervisor": lambda it: Process(int(it["pid"]), str(it["start_time"])),
    "desired_state.json": lambda it: {name: DesiredState(**part) for name, part in it.items()},
    "status.json": lambda it: {name: ComponentStatus(**part) for name, part in it.items()},
    "environment.json": lambda it: {str(name): str(value) for name, value in it.items()},
}
"""How the content of each file becomes an object."""
