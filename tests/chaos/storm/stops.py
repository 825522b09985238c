"""Stops processes (SIGSTOP) as a whole, and lets them go on."""

import random
import signal
import time
from contextlib import suppress
from pathlib import Path

from control.local.process import Process
from tests.chaos.storm.hit import Hit
from tests.chaos.storm.plan import Timings
from tests.chaos.storm.system import Victim

DATABASES = ("redis", "postgres")


class Stops:
    """One storm's: whose turn it is, and who is stopped."""

    def __init__(self, names: tuple[str, ...], dice: random.Random, timings: Timings) -> None:
        self._names = names
        self._dice = dice
        self._timings = timings
        self._round: list[str] = []
        self._stopped: dict[Process, tuple[Hit, list[Process]]] = {}

    def __contains__(self, process: Process) -> bool:
        return process in self._stopped

    def draw(self) -> str:
        """Whose turn it is. Within a round each has as many turns as its name stands there."""
        if not self._round:
            self._round = self._dice.sample(self._names, len(self._names))
        return self._round.pop()

    def put_back(self, name: str) -> None:
        """It is not there now: its turn comes at the end of the round."""
        self._round.insert(0, name)

    def seconds(self, victim: Victim) -> float:
        """How long it is to be stopped."""
        is_database = victim.name.startswith(DATABASES)
        return self._dice.uniform(
            *(self._timings.database_stop if is_database else self._timings.stop)
        )

    def stop(self, victim: Victim) -> Hit:
        """With its children: Postgres has one for each connection, in a session of its own."""
        victim.process.send(signal.SIGSTOP)
        now = time.time()
        hit = Hit("stop", now, now, victim.name)
        children = _children(victim.process)
        for child in children:
            child.send(signal.SIGSTOP)
        self._stopped[victim.process] = hit, children
        return hit

    def resume(self, process: Process) -> None:
        """Nothing happens to one that is not stopped."""
        if process not in self._stopped:
            return
        hit, children = self._stopped.pop(process)
        for one in (*children, process):
            one.send(signal.SIGCONT)
        hit.until = time.time()

    def resume_all(self) -> None:
        """At the end."""
        for process in list(self._stopped):
            self.resume(process)


def _children(process: Process) -> list[Process]:
    with suppress(FileNotFoundError, ProcessLookupError):
        pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return [child for pid in pids if (child := Process.of(int(pid)))]
    return []
