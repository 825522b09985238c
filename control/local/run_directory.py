"""`STATE_DIR/run`: how the supervisor and the commands speak with each other, across crashes.

supervisor.lock      held for as long as a supervisor lives, whatever becomes of it
commands.lock        held while wishes and numbers are read to be changed: a moment, and by no
                     command while the supervisor has yet to take what another one left
supervisor           who it is
processes/<part>     who is running, each written by the process itself
desired_state.json          what shall run: written by commands, read by the supervisor on SIGHUP
environment.json     a command's own environment, for what it wishes for; gone when it is read
status.json          what does run: written by the supervisor

What cannot be read, as after a power cut, counts as absent; `damaged` names it.
"""

import json
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from control.credentials import write_private_file
from control.errors import ControlError
from control.file_lock import FileLock
from control.local import timeouts
from control.local.process import Process

MIN_UPTIME_SECONDS = 10.0
"""Seconds after which a part counts as having worked, as in Docker."""
RECORD_REPAIR_HINT = "a supervisor that lives writes it anew within a minute"
State = Literal["waiting", "starting", "running", "failing", "stopping", "stopped", "done"]


@dataclass(frozen=True)
class DesiredState:
    """What shall become of a part; a raised generation asks for a fresh process."""

    should_run: bool
    generation: int = 0


@dataclass
class ComponentStatus:
    """What the supervisor knows of a part."""

    state: State = "waiting"
    pid: int | None = None
    since: float = 0.0
    """Unix time of this state."""
    restarts: int = 0
    generation: int = 0
    consecutive_failures: int = 0
    """How often in a row it has ended by itself, each time soon after its start."""
    exit_reason: str = ""
    """Why it ended the last time, if nobody had asked it to."""
    log_offset: int = 0
    """Where in its log its present life begins, bytes."""

    @property
    def is_crash_looping(self) -> bool:
        """Whether it has just ended by itself, or has begun again only now."""
        has_just_started = time.time() - self.since < MIN_UPTIME_SECONDS
        return self.consecutive_failures > 0 and (self.state == "failing" or has_just_started)


class AlreadyRunning(ControlError):
    """A supervisor lives, and holds the lock for as long."""


class RunDirectory:
    """The files of one suite that runs, or ran."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.path = state_dir / "run"
        self.logs = state_dir / "logs"
        self._process_records = self.path / "processes"
        self._environment_file = self.path / "environment.json"
        self._command_lock_file = self.path / "commands.lock"

    def create(self) -> None:
        for folder in (self.path, self._process_records, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def acquire_supervisor_lock(self) -> FileLock:
        """The right to start or end things here; to look, `supervisor` is enough.

        Raises IsSupervised, or ControlError where another command keeps it.
        """
        deadline = time.monotonic() + timeouts.LOCK_TIMEOUT_SECONDS
        while (lock := FileLock.try_acquire(self.path / "supervisor.lock")) is None:
            if self.find_supervisor():
                raise AlreadyRunning("another ./manage.py has started the suite")
            if time.monotonic() > deadline:
                raise self._build_lock_error()
            time.sleep(timeouts.POLL_SECONDS)
        return lock

    def _build_lock_error(self) -> ControlError:
        record = self.path / "supervisor"
        if record in self.find_damaged_files():
            return ControlError(f"{record} is damaged: {RECORD_REPAIR_HINT}: try again then")
        return ControlError("another ./manage.py is starting or stopping the suite: try again")

    @contextmanager
    def supervisor_lock(self) -> Iterator[None]:
        """Hold the same right; without a directory there is nothing to start or end."""
        lock = self.acquire_supervisor_lock() if self.path.exists() else None
        try:
            yield
        finally:
            if lock:
                lock.release()

    @contextmanager
    def command_lock(self) -> Iterator[None]:
        """The right to change what is wished for, to be kept for a moment only.

        Raises ControlError where another command keeps it for long, or where the supervisor does
        not take what another one has left.
        """
        lock = self._acquire_command_lock()
        deadline = time.monotonic() + timeouts.PICKUP_TIMEOUT_SECONDS
        while supervisor := self._find_unnotified_supervisor():
            lock.release()
            if time.monotonic() > deadline:
                raise ControlError(
                    "the supervisor does not take what another ./manage.py wished for, as if it"
                    f" were suspended: kill -CONT {supervisor.pid}, or ./manage.py restart"
                )
            supervisor.send_signal(signal.SIGHUP)  # that command may have died before it could
            time.sleep(timeouts.POLL_SECONDS)
            lock = self._acquire_command_lock()
        try:
            yield
        finally:
            lock.release()

    def _acquire_command_lock(self) -> FileLock:
        deadline = time.monotonic() + timeouts.LOCK_TIMEOUT_SECONDS
        while (lock := self.try_command_lock()) is None:
            if time.monotonic() > deadline:
                raise ControlError("another ./manage.py is changing what runs: try again")
            time.sleep(timeouts.POLL_SECONDS)
        return lock

    def _find_unnotified_supervisor(self) -> Process | None:
        """The supervisor, while the environment of another command waits for it."""
        return self.find_supervisor() if self._environment_file.exists() else None

    def try_command_lock(self) -> FileLock | None:
        """The same right for one who cannot wait; None while a command has it."""
        return FileLock.try_acquire(self._command_lock_file)

    def find_damaged_files(self) -> list[Path]:
        """The files that are there and cannot be read."""
        files = {name: self.path / name for name in _PARSERS}
        return [
            files[name] for name in files if files[name].exists() and self._read_file(name) is None
        ]

    def log_file(self, component: str) -> Path:
        return self.logs / f"{component}.log"

    def process_record(self, component: str) -> Path:
        return self._process_records / component

    def find_processes(self) -> dict[str, Process]:
        """The recorded processes that live."""
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
        """Seconds since the supervisor's start."""
        return time.time() - (self.path / "supervisor").stat().st_mtime

    def find_supervisor(self) -> Process | None:
        process: Process | None = self._read_file("supervisor")
        return process if process and process.is_alive else None

    def write_desired_states(self, states: dict[str, DesiredState]) -> None:
        content = {name: asdict(wish) for name, wish in states.items()}
        write_private_file(self.path / "desired_state.json", json.dumps(content))

    def read_desired_states(self) -> dict[str, DesiredState]:
        """Those for all parts; none of them where they are lost."""
        return self._read_file("desired_state.json") or {}

    def require_desired_states(self, names: Iterable[str]) -> dict[str, DesiredState]:
        """Those of some parts; raises ControlError for one that the suite was started without."""
        wishes, names = self.read_desired_states(), tuple(names)
        for name in names:
            if name not in wishes:
                raise ControlError(
                    f"{name} is not in the suite that runs, settings have changed since its start:"
                    " run ./manage.py restart"
                )
        return {name: wishes[name] for name in names}

    def write_environment(self, environ: Mapping[str, str]) -> None:
        write_private_file(self._environment_file, json.dumps(dict(environ)))

    def take_environment(self) -> dict[str, str] | None:
        """What a command has handed over since the last time."""
        environ: dict[str, str] | None = self._read_file(self._environment_file.name)
        self.remove_environment()
        return environ

    def remove_environment(self) -> None:
        """It holds secrets, and nobody may be there any more to take it."""
        self._environment_file.unlink(missing_ok=True)

    def write_status(self, status: dict[str, ComponentStatus]) -> None:
        content = {name: asdict(part) for name, part in status.items()}
        write_private_file(self.path / "status.json", json.dumps(content, indent=1))

    def read_status(self) -> dict[str, ComponentStatus]:
        return self._read_file("status.json") or {}

    def remove_orphaned_environment(self) -> None:
        """The environment that no supervisor will take; a command that is at it sees to it."""
        lock = self.try_command_lock()
        if lock is None:
            return
        try:
            if self.find_supervisor() is None:
                self.remove_environment()
        finally:
            lock.release()

    def remove_status(self) -> None:
        (self.path / "status.json").unlink(missing_ok=True)

    def _read_file(self, name: str) -> Any:
        """None where it is not there, or damaged."""
        try:
            return _PARSERS[name](json.loads((self.path / name).read_text("utf-8")))
        except (FileNotFoundError, AttributeError, LookupError, TypeError, ValueError):
            return None


def _parse_process(content: Any) -> Process:
    return Process(int(content["pid"]), str(content["start_time"]))


def _parse_desired_states(content: Any) -> dict[str, DesiredState]:
    return {name: DesiredState(**wish) for name, wish in content.items()}


def _parse_status(content: Any) -> dict[str, ComponentStatus]:
    return {name: ComponentStatus(**part) for name, part in content.items()}


def _parse_environment(content: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in content.items()}


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "supervisor": _parse_process,
    "desired_state.json": _parse_desired_states,
    "status.json": _parse_status,
    "environment.json": _parse_environment,
}
