"""Which processes a storm freezes, for how long, and that their children freeze too."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from control.local.process import Process
from smart_kit.testing.suite_harness import wait_until
from tests.chaos.storm.plan import PRODUCTION_TIMINGS, SHORT_TIMINGS, StormTimings
from tests.chaos.storm.process_freezer import ProcessFreezer
from tests.chaos.storm.system_under_test import TargetProcess
from tests.chaos.storm.whole_suite import FREEZABLE, WholeSuite


def test_every_process_is_drawn_and_lease_holders_most_often() -> None:
    freezer = ProcessFreezer(FREEZABLE, random.Random(1), PRODUCTION_TIMINGS)
    draws = Counter(freezer.draw_name() for _ in range(20))

    assert set(draws) >= {*WholeSuite.services, "redis", "postgres"}
    assert {name for name, _ in draws.most_common(2)} == {"assistant", "tg_bot"}


@pytest.mark.parametrize("timings", [PRODUCTION_TIMINGS, SHORT_TIMINGS])
def test_databases_freeze_shorter_and_services_longer_than_a_lease(
    timings: StormTimings,
) -> None:
    freezer = ProcessFreezer(FREEZABLE, random.Random(1), timings)
    process = Process(0, "")

    assert freezer.draw_duration(TargetProcess("postgres", process, 20)) < timings.lease_seconds
    assert (
        freezer.draw_duration(TargetProcess("rest_service.2", process, 20)) > timings.lease_seconds
    )


def test_a_process_is_frozen_and_resumed_with_its_children() -> None:
    child = "import time\nwhile True: time.sleep(0.01)"
    parent = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {child!r}],"
    parent += " start_new_session=True).pid, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        (sys.executable, "-c", parent), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as popen:
        assert popen.stdout
        child_pid = int(popen.stdout.readline())
        process = Process.from_pid(popen.pid)
        freezer = ProcessFreezer(("it",), random.Random(1), PRODUCTION_TIMINGS)
        assert process
        try:
            fault = freezer.freeze(TargetProcess("it", process, 20))
            wait_until(
                lambda: {get_process_state(popen.pid), get_process_state(child_pid)} == {"T"}
            )
            assert process in freezer
            freezer.resume_all()
            wait_until(
                lambda: "T" not in {get_process_state(popen.pid), get_process_state(child_pid)}
            )
            assert process not in freezer
            assert fault.ended_at > fault.started_at
        finally:
            os.kill(child_pid, signal.SIGKILL)
            popen.kill()


def get_process_state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
