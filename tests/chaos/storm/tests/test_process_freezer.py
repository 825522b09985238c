"""Who is stopped in a storm, for how long, and that all of it stops."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from control.local.process import Process
from smart_kit.testing.suite import wait_until
from tests.chaos.storm.plan import PRODUCTION, SHORT, Timings
from tests.chaos.storm.process_freezer import ProcessFreezer
from tests.chaos.storm.system_under_test import TargetProcess
from tests.chaos.storm.whole_suite import FREEZABLE, WholeSuite


def test_every_process_has_its_turn_to_be_stopped() -> None:
    freezer = ProcessFreezer(FREEZABLE, random.Random(1), PRODUCTION)
    turns = Counter(freezer.draw() for _ in range(20))

    assert set(turns) >= {*WholeSuite.services, "redis", "postgres"}
    assert {name for name, _ in turns.most_common(2)} == {"assistant", "tg_bot"}


@pytest.mark.parametrize("timings", [PRODUCTION, SHORT])
def test_a_database_is_stopped_for_shorter_than_a_lease_and_a_service_for_longer(
    timings: Timings,
) -> None:
    freezer = ProcessFreezer(FREEZABLE, random.Random(1), timings)
    process = Process(0, "")

    assert freezer.seconds(TargetProcess("postgres", process, 20)) < timings.lease
    assert freezer.seconds(TargetProcess("rest_service.2", process, 20)) > timings.lease


def test_who_is_stopped_stops_with_its_children() -> None:
    child = "import time\nwhile True: time.sleep(0.01)"
    parent = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {child!r}],"
    parent += " start_new_session=True).pid, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        (sys.executable, "-c", parent), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as popen:
        assert popen.stdout
        child_pid = int(popen.stdout.readline())
        process, freezer = (
            Process.of(popen.pid),
            ProcessFreezer(("it",), random.Random(1), PRODUCTION),
        )
        assert process
        try:
            fault = freezer.stop(TargetProcess("it", process, 20))
            wait_until(lambda: {state_of(popen.pid), state_of(child_pid)} == {"T"})
            assert process in freezer
            freezer.resume_all()
            wait_until(lambda: "T" not in {state_of(popen.pid), state_of(child_pid)})
            assert process not in freezer
            assert fault.until > fault.at
        finally:
            os.kill(child_pid, signal.SIGKILL)
            popen.kill()


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
