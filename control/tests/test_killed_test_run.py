"""The next test run ends a suite that a killed one has left, and deletes its database."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from control.local.postgres_system_folder import find_databases
from control.local.process import Process
from control.tests.database_template import DatabaseTemplate
from smart_kit.testing.suite_harness import wait_until

ROOT = Path(__file__).resolve().parents[2]
RUN_SCRIPT = """
import shutil
from pathlib import Path
from control.tests.fake_suite import FakeSuite
from control.tests.database_template import DatabaseTemplate
from smart_kit.testing.run_folder import temporary_run_folder
with temporary_run_folder() as folder:
    if {starts}:
        home = folder.path / "home"
        home.mkdir(mode=0o700)
        shutil.copy(".env.example", home)
        DatabaseTemplate.from_existing(Path({database!r})).copy_to(home / "state")
        suite = FakeSuite(home, has_external_postgres=False)
        suite.manage("start")
        print(*(process.pid for process in suite.processes()), flush=True)
        input()
"""


def start_run(temporary: Path, database: Path, *, starts: bool) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN_SCRIPT.format(starts=starts, database=str(database))],
        env=os.environ | {"TMPDIR": str(temporary)},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("is_supervised", [True, False], ids=["whole", "strays"])
def test_next_test_run_stops_the_suite_of_a_killed_run(
    tmp_path: Path, database_template: DatabaseTemplate, is_supervised: bool
) -> None:
    database = database_template.cluster.state_dir
    with start_run(tmp_path, database, starts=True) as killed:
        assert killed.stdout is not None
        pids = [int(pid) for pid in killed.stdout.readline().split()]
        killed.kill()
    left = [process for pid in pids if (process := Process.from_pid(pid))]
    assert len(left) == 6
    if not is_supervised:
        left[-1].send_signal(signal.SIGKILL)
        wait_until(lambda: not left[-1].is_alive)
    with start_run(tmp_path, database, starts=False) as following:
        assert following.wait() == 0

    assert [process for process in left if process.is_alive] == []
    assert list(tmp_path.iterdir()) == []
    inside = [
        found
        for found in find_databases()
        if found.state_dir and found.state_dir.is_relative_to(tmp_path)
    ]
    assert inside == []
