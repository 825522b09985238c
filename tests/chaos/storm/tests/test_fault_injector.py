"""A fault is recorded exactly if it has hit a process."""

import itertools
import signal
import subprocess
import sys
from typing import get_args

import httpx2

from control.local.process import Process
from tests.chaos.storm.fault_injector import FaultInjector
from tests.chaos.storm.plan import FaultKind, StormPlan
from tests.chaos.storm.system_under_test import TargetProcess


class SingleServiceSystem:
    """A system of one service that only some kinds of faults can hit."""

    services = freezable = ("tg_bot",)
    sender = "tg_bot"

    def __init__(self, process: Process, *kinds: FaultKind) -> None:
        self.suite = self
        self.excluded_faults = tuple(set(get_args(FaultKind)) - set(kinds))
        self._process = process

    def make_sandbox_client(self) -> httpx2.Client:
        return httpx2.Client()

    def list_processes(self) -> list[TargetProcess]:
        return [TargetProcess("tg_bot", self._process, 20)]


def run_injector(process: Process, *kinds: FaultKind) -> FaultInjector:
    """Run the faults of a tenth of a minute; each look at the clock advances it by 10 s."""
    clock = itertools.count(0, 10)
    system = SingleServiceSystem(process, *kinds)
    injector = FaultInjector(system, StormPlan(minutes=0.1), lambda: next(clock))  # type: ignore[arg-type]
    injector.run(200)
    return injector


def test_a_dead_process_is_neither_killed_nor_stopped() -> None:
    injector = run_injector(Process(1, "long ago"), "kill", "stop")

    assert injector.fault_records == []
    assert injector.remaining_count == 2


def test_a_running_process_is_killed_and_the_kill_is_recorded() -> None:
    with subprocess.Popen((sys.executable, "-c", "input()"), stdin=subprocess.PIPE) as popen:
        process = Process.from_pid(popen.pid)
        assert process
        injector = run_injector(process, "kill")

    assert [(fault.kind, fault.process_name) for fault in injector.fault_records] == [
        ("kill", "tg_bot")
    ]
    assert injector.remaining_count == 0
    assert popen.returncode == -signal.SIGKILL
