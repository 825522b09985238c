"""CPU time and memory of processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smart_kit.testing.suite_harness import wait_until
from tests.load import process_usage
from tests.load.process_usage import (
    POSTGRES_BACKENDS,
    ProcessGroups,
    ProcessStat,
    distinguish_postgres_backends,
    find_kind,
    subtract,
)

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc"),
]

BURNT_SECONDS = 0.3
BURN = f"import time\nwhile time.process_time() < {BURNT_SECONDS}: pass\n"
"""Uses CPU time, however long that takes."""
WAIT = "print('done', flush=True); input()\n"
BURN_IN_A_CHILD = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}])\n"
ROOTS = {10: "supervisor", 11: "postgres", 20: "assistant"}


@contextmanager
def running(script: str) -> Iterator[int]:
    """Run a script until it has printed a line, and yield its pid while it waits."""
    command = (sys.executable, "-c", script + WAIT)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        yield process.pid
        process.communicate(b"\n")


def make_groups(pid: int) -> ProcessGroups:
    return ProcessGroups({pid: "program"})


def test_stat_line_is_parsed_whatever_the_name_of_the_program() -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    rest = f"S 7 1 1 0 -1 0 0 0 0 0 {2 * ticks} {ticks} {4 * ticks} {ticks} 20 0 1 0"
    stat = ProcessStat.parse(f"42 (a (b) c) {rest}")
    assert stat == ProcessStat(42, 7, own_seconds=3.0, ended_children_seconds=5.0)


@pytest.mark.parametrize(
    ("pid", "kind"),
    [(10, "supervisor"), (11, "postgres"), (13, "postgres"), (21, "assistant"), (99, ""), (12, "")],
)
def test_process_has_the_kind_of_its_nearest_root(pid: int, kind: str) -> None:
    parents = {10: 1, 11: 10, 13: 14, 14: 11, 20: 10, 21: 20, 99: 1, 12: 5}
    assert find_kind(pid, parents, ROOTS) == kind


def test_cpu_time_of_a_process_is_counted() -> None:
    with running(BURN) as pid:
        used = make_groups(pid).measure_cpu()
    assert used.keys() == {"program"}
    assert used["program"] >= BURNT_SECONDS


def test_cpu_time_of_an_ended_child_is_counted() -> None:
    with running("") as idle:
        unused = make_groups(idle).measure_cpu()["program"]
    with running(BURN_IN_A_CHILD) as pid:
        used = make_groups(pid).measure_cpu()["program"]
    tick = 1 / os.sysconf("SC_CLK_TCK")
    assert used >= BURNT_SECONDS - 2 * tick, f"an idle one has {unused}"


def test_living_child_is_found() -> None:
    child = f"[sys.executable, '-c', {WAIT!r}]"
    script = (
        f"import subprocess, sys\nchild = subprocess.Popen({child}, stdin=subprocess.PIPE,"
        " stdout=subprocess.PIPE, text=True)\nchild.stdout.readline()\n"
    )
    end = "child.communicate(chr(10))\n"
    with running(script + WAIT + end + "print('done')\n") as pid:
        assert sorted(make_groups(pid).find_pids().values()) == ["program", "program"]


def test_ended_process_has_used_nothing() -> None:
    with running("") as pid:
        pass
    assert process_usage.measure_cpu(pid) == 0.0
    assert process_usage.measure_memory(pid) == process_usage.Memory(0, 0)
    assert make_groups(pid).measure_cpu() == {}


def test_shared_memory_counts_less_in_pss() -> None:
    with running("") as pid:
        (memory,) = make_groups(pid).measure_memory().values()
    assert 0 < memory.pss <= memory.rss


def test_only_memory_is_shown_by_refined_kind() -> None:
    """The CPU time of an ended backend of Postgres passes to its parent: kinds would go back."""
    with running("") as pid:
        groups = ProcessGroups({pid: "program"}, refine=lambda _, kind: f"{kind}'s backend")
        assert groups.measure_cpu().keys() == {"program"}
        assert groups.measure_memory().keys() == {"program's backend"}


def test_kind_that_began_meanwhile_counts_from_zero() -> None:
    assert subtract({"bot": 3.0, "new": 1.0}, {"bot": 1.0}) == {"bot": 2.0, "new": 1.0}


def test_only_postgres_has_backends() -> None:
    assert distinguish_postgres_backends(os.getpid(), "assistant") == "assistant"
    assert distinguish_postgres_backends(os.getpid(), "postgres") == "postgres"


@pytest.mark.parametrize(
    ("title", "is_backend"),
    [
        ("postgres: smart_assistant smart_assistant 127.0.0.1(40312) idle", True),
        ("postgres: smart_assistant smart_assistant [local] SELECT", True),
        ("postgres: smart_assistant smart_assistant ::1(40312) idle in transaction", True),
        ("postgres: checkpointer ", False),
        ("postgres: autovacuum worker smart_assistant", False),
        ("postgres: io worker 0", False),
    ],
)
def test_connection_of_postgres_has_a_kind_of_its_own(title: str, is_backend: bool) -> None:
    with subprocess.Popen(("bash", "-c", f"exec -a {title!r} sleep 60")) as process:
        try:
            command = Path(f"/proc/{process.pid}/cmdline")
            wait_until(lambda: command.read_text().startswith("postgres"))
            kind = distinguish_postgres_backends(process.pid, "postgres")
        finally:
            process.kill()
    assert kind == (POSTGRES_BACKENDS if is_backend else "postgres")
