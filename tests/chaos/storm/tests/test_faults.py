"""A fault is written down where it has met somebody, and nowhere else."""

import itertools
import signal
import subprocess
import sys
from typing import get_args

import httpx2

from control.local.process import Process
from tests.chaos.storm.faults import Faults
from tests.chaos.storm.plan import Blow, Plan
from tests.chaos.storm.system import Victim


class Lonely:
    """A system of one service, to which only some things happen."""

    services = zombies = ("tg_bot",)
    sender = "tg_bot"

    def __init__(self, process: Process, *blows: Blow) -> None:
        self.suite = self
        self.spared = tuple(set(get_args(Blow)) - set(blows))
        self._process = process

    def sandbox(self) -> httpx2.Client:
        return httpx2.Client()

    def victims(self) -> list[Victim]:
        return [Victim("tg_bot", self._process, 20)]


def faults_over(process: Process, *blows: Blow) -> Faults:
    """A tenth of a minute of them, over before one can wait."""
    clock = itertools.count(0, 10)
    system = Lonely(process, *blows)
    faults = Faults(system, Plan(minutes=0.1), lambda: next(clock))  # type: ignore[arg-type]
    faults.rage(200)
    return faults


def test_who_has_just_died_is_neither_killed_nor_stopped() -> None:
    faults = faults_over(Process(1, "long ago"), "kill", "stop")

    assert faults.hits == []
    assert faults.left == 2


def test_who_lives_is_killed_and_that_is_written_down() -> None:
    with subprocess.Popen((sys.executable, "-c", "input()"), stdin=subprocess.PIPE) as popen:
        process = Process.of(popen.pid)
        assert process
        faults = faults_over(process, "kill")

    assert [(hit.blow, hit.name) for hit in faults.hits] == [("kill", "tg_bot")]
    assert faults.left == 0
    assert popen.returncode == -signal.SIGKILL
