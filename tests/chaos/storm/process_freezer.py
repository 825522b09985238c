"""Freezes processes with their children (SIGSTOP), and resumes them."""

import random
import signal
import time
from contextlib import suppress
from pathlib import Path

from control.local.process import Process
from tests.chaos.storm.fault_record import FaultRecord
from tests.chaos.storm.plan import StormTimings
from tests.chaos.storm.system_under_test import TargetProcess

DATABASES = ("redis", "postgres")


class ProcessFreezer:
    """Draws process names in rounds, and keeps track of the frozen processes of one storm."""

    def __init__(self, names: tuple[str, ...], rng: random.Random, timings: StormTimings) -> None:
        self._names = names
        self._random = rng
        self._timings = timings
        self._round: list[str] = []
        self._frozen: dict[Process, tuple[FaultRecord, list[Process]]] = {}

    def __contains__(self, process: Process) -> bool:
        return process in self._frozen

    def draw_name(self) -> str:
        """Return the next name. Within a round each name is drawn as often as `names` has it."""
        if not self._round:
            self._round = self._random.sample(self._names, len(self._names))
        return self._round.pop()

    def requeue(self, name: str) -> None:
        """Move a name to the end of the round, because no process of that name runs now."""
        self._round.insert(0, name)

    def draw_duration(self, target: TargetProcess) -> float:
        """Return for how many seconds to freeze the process."""
        is_database = target.name.startswith(DATABASES)
        timings = self._timings
        span = timings.database_freeze_seconds if is_database else timings.freeze_seconds
        return self._random.uniform(*span)

    def freeze(self, target: TargetProcess) -> FaultRecord:
        """Freeze a process with its children: Postgres has one for each connection."""
        target.process.send_signal(signal.SIGSTOP)
        now = time.time()
        fault = FaultRecord("stop", now, now, target.name)
        children = _find_children(target.process)
        for child in children:
            child.send_signal(signal.SIGSTOP)
        self._frozen[target.process] = fault, children
        return fault

    def resume(self, process: Process) -> None:
        """Resume a process with its children, unless it runs already."""
        if process not in self._frozen:
            return
        fault, children = self._frozen.pop(process)
        for frozen in (*children, process):
            frozen.send_signal(signal.SIGCONT)
        fault.ended_at = time.time()

    def resume_all(self) -> None:
        """Resume all frozen processes."""
        for process in list(self._frozen):
            self.resume(process)


def _find_children(process: Process) -> list[Process]:
    with suppress(FileNotFoundError, ProcessLookupError):
        pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return [child for pid in pids if (child := Process.from_pid(int(pid)))]
    return []
