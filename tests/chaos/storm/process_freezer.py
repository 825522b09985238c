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
    """The freezer of one storm: whose turn it is, and which processes are stopped."""

    def __init__(self, names: tuple[str, ...], dice: random.Random, timings: StormTimings) -> None:
        self._names = names
        self._random = dice
        self._timings = timings
        self._round: list[str] = []
        self._frozen: dict[Process, tuple[FaultRecord, list[Process]]] = {}

    def __contains__(self, process: Process) -> bool:
        return process in self._frozen

    def draw_name(self) -> str:
        """Whose turn it is. Within a round each has as many turns as its name stands there."""
        if not self._round:
            self._round = self._random.sample(self._names, len(self._names))
        return self._round.pop()

    def requeue(self, name: str) -> None:
        """It is not there now: its turn comes at the end of the round."""
        self._round.insert(0, name)

    def draw_duration(self, target: TargetProcess) -> float:
        """How long it is to be stopped."""
        is_database = target.name.startswith(DATABASES)
        return self._random.uniform(
            *(
                self._timings.database_freeze_seconds
                if is_database
                else self._timings.freeze_seconds
            )
        )

    def freeze(self, target: TargetProcess) -> FaultRecord:
        """With its children: Postgres has one for each connection, in a session of its own."""
        target.process.send_signal(signal.SIGSTOP)
        now = time.time()
        fault = FaultRecord("stop", now, now, target.name)
        children = _find_children(target.process)
        for child in children:
            child.send_signal(signal.SIGSTOP)
        self._frozen[target.process] = fault, children
        return fault

    def resume(self, process: Process) -> None:
        """Nothing happens to one that is not stopped."""
        if process not in self._frozen:
            return
        fault, children = self._frozen.pop(process)
        for one in (*children, process):
            one.send_signal(signal.SIGCONT)
        fault.ended_at = time.time()

    def resume_all(self) -> None:
        """At the end."""
        for process in list(self._frozen):
            self.resume(process)


def _find_children(process: Process) -> list[Process]:
    with suppress(FileNotFoundError, ProcessLookupError):
        pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return [child for pid in pids if (child := Process.from_pid(int(pid)))]
    return []
