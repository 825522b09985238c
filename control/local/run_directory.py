"""`STATE_DIR/run`: how the supervisor and the commands speak with each other, across crashes.

supervisor.lock      held for as long as a supervisor lives, whatever becomes of it
commands.lock        held while wishes and numbers are read to be changed: a moment, and by no
                     command while the supervisor has yet to take what another one left
supervisor           who it is
processes/<part>     who is running, each written by the process itself
wishes.json          what shall run: written by commands, read by the supervisor on SIGHUP
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

from control.credentials import write_private
from control.errors import ControlError
from control.local import timeouts
from control.local.process import Process
from control.lock import Lock

GOOD_LIFE = 10.0
"""Seconds after which a part counts as having worked, as in Docker."""
SIGNS_AGAIN = "a supervisor that lives writes it anew within a minute"
State = Literal["waiting", "starting", "running", "failing", "stopping", "stopped", "done"]


@dataclass(frozen=True)
class Wish:
    """What shall become of a part; a raised generation asks for a fresh process."""

    run: bool
    generation: int = 0


@dataclass
class PartStatus:
    """What the supervisor knows of a part."""

    state: State = "waiting"
    pid: int | None = None
    since: float = 0.0
    """Unix time of this state."""
    restarts: int = 0
    generation: int = 0
    failures: int = 0
    """How often in a row it has ended by itself, each time soon after its start."""
    reason: str = ""
    """Why it ended the last time, if nobody had asked it to."""
    log_start: int = 0
    """Where in its log its present life begins, bytes."""

    @property
    def keeps_failing(self) -> bool:
        """Whether it has just ended by itself, or has begun again only now."""
        is_young = time.time() - self.since < GOOD_LIFE
        return self.failures > 0 and (self.state == "failing" or is_young)


class IsSupervised(ControlError):
    """A supervisor lives, and holds the lock for as long."""


class RunDirectory:
    """The files of one suite that runs, or ran."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.path = state_dir / "run"
        self.logs = state_dir / "logs"
        self._processes = self.path / "processes"
        self._environment = self.path / "environment.json"
        self._commands = self.path / "commands.lock"

    def make(self) -> None:
        for folder in (self.path, self._processes, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def lock(self) -> Lock:
        """The right to start or end things here; to look, `supervisor` is enough.

        Raises IsSupervised, or ControlError where another command keeps it.
        """
        deadline = time.monotonic() + timeouts.TURN
        while (lock := Lock.take(self.path / "supervisor.lock")) is None:
            if self.supervisor():
                raise IsSupervised("another ./manage.py has started the suite")
            if time.monotonic() > deadline:
                raise self._locked_out()
            time.sleep(timeouts.POLL)
        return lock

    def _locked_out(self) -> ControlError:
        record = self.path / "supervisor"
        if record in self.damaged():
            return ControlError(f"{record} is damaged: {SIGNS_AGAIN}: try again then")
        return ControlError("another ./manage.py is starting or stopping the suite: try again")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the same right; without a directory there is nothing to start or end."""
        lock = self.lock() if self.path.exists() else None
        try:
            yield
        finally:
            if lock:
                lock.release()

    @contextmanager
    def commanding(self) -> Iterator[None]:
        """The right to change what is wished for, to be kept for a moment only.

        Raises ControlError where another command keeps it for long, or where the supervisor does
        not take what another one has left.
        """
        lock = self._turn()
        deadline = time.monotonic() + timeouts.HEARING
        while supervisor := self._untold():
            lock.release()
            if time.monotonic() > deadline:
                raise ControlError(
                    "the supervisor does not take what another ./manage.py wished for, as if it"
                    f" were suspended: kill -CONT {supervisor.pid}, or ./manage.py restart"
                )
            supervisor.send(signal.SIGHUP)  # that command may have died before it could
            time.sleep(timeouts.POLL)
            lock = self._turn()
        try:
            yield
        finally:
            lock.release()

    def _turn(self) -> Lock:
        deadline = time.monotonic() + timeouts.TURN
        while (lock := self.try_commanding()) is None:
            if time.monotonic() > deadline:
                raise ControlError("another ./manage.py is changing what runs: try again")
            time.sleep(timeouts.POLL)
        return lock

    def _untold(self) -> Process | None:
        """The supervisor, while the environment of another command waits for it."""
        return self.supervisor() if self._environment.exists() else None

    def try_commanding(self) -> Lock | None:
        """The same right for one who cannot wait; None while a command has it."""
        return Lock.take(self._commands)

    def damaged(self) -> list[Path]:
        """The files that are there and cannot be read."""
        files = {name: self.path / name for name in _FORMS}
        return [files[name] for name in files if files[name].exists() and self._read(name) is None]

    def log(self, part: str) -> Path:
        return self.logs / f"{part}.log"

    def record(self, part: str) -> Path:
        return self._processes / part

    def processes(self) -> dict[str, Process]:
        """The recorded processes that live."""
        records = sorted(self._processes.iterdir()) if self._processes.exists() else []
        found = ((record.name, Process.recorded(record)) for record in records)
        return {name: process for name, process in found if process and process.lives}

    def forget_processes(self) -> None:
        for record in self._processes.glob("*"):
            record.unlink(missing_ok=True)

    def write_supervisor(self, process: Process) -> None:
        write_private(self.path / "supervisor", json.dumps(asdict(process)))

    @property
    def age(self) -> float:
        """Seconds since the supervisor's start."""
        return time.time() - (self.path / "supervisor").stat().st_mtime

    def supervisor(self) -> Process | None:
        process: Process | None = self._read("supervisor")
        return process if process and process.lives else None

    def write_wishes(self, wishes: dict[str, Wish]) -> None:
        content = {name: asdict(wish) for name, wish in wishes.items()}
        write_private(self.path / "wishes.json", json.dumps(content))

    def wishes(self) -> dict[str, Wish]:
        """Those for all parts; none of them where they are lost."""
        return self._read("wishes.json") or {}

    def wishes_for(self, names: Iterable[str]) -> dict[str, Wish]:
        """Those of some parts; raises ControlError for one that the suite was started without."""
        wishes, names = self.wishes(), tuple(names)
        for name in names:
            if name not in wishes:
                raise ControlError(
                    f"{name} is not in the suite that runs, settings have changed since its start:"
                    " run ./manage.py restart"
                )
        return {name: wishes[name] for name in names}

    def write_environment(self, environ: Mapping[str, str]) -> None:
        write_private(self._environment, json.dumps(dict(environ)))

    def take_environment(self) -> dict[str, str] | None:
        """What a command has handed over since the last time."""
        environ: dict[str, str] | None = self._read(self._environment.name)
        self.forget_environment()
        return environ

    def forget_environment(self) -> None:
        """It holds secrets, and nobody may be there any more to take it."""
        self._environment.unlink(missing_ok=True)

    def write_status(self, status: dict[str, PartStatus]) -> None:
        content = {name: asdict(part) for name, part in status.items()}
        write_private(self.path / "status.json", json.dumps(content, indent=1))

    def status(self) -> dict[str, PartStatus]:
        return self._read("status.json") or {}

    def forget_orphan(self) -> None:
        """The environment that no supervisor will take; a command that is at it sees to it."""
        lock = self.try_commanding()
        if lock is None:
            return
        try:
            if self.supervisor() is None:
                self.forget_environment()
        finally:
            lock.release()

    def forget_status(self) -> None:
        (self.path / "status.json").unlink(missing_ok=True)

    def _read(self, name: str) -> Any:
        """None where it is not there, or damaged."""
        try:
            return _FORMS[name](json.loads((self.path / name).read_text("utf-8")))
        except (FileNotFoundError, AttributeError, LookupError, TypeError, ValueError):
            return None


def _process(content: Any) -> Process:
    return Process(int(content["pid"]), str(content["birth"]))


def _wishes(content: Any) -> dict[str, Wish]:
    return {name: Wish(**wish) for name, wish in content.items()}


def _status(content: Any) -> dict[str, PartStatus]:
    return {name: PartStatus(**part) for name, part in content.items()}


def _environment(content: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in content.items()}


_FORMS: Mapping[str, Callable[[Any], Any]] = {
    "supervisor": _process,
    "wishes.json": _wishes,
    "status.json": _status,
    "environment.json": _environment,
}
