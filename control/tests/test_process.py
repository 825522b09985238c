import subprocess
import sys
from pathlib import Path

from control.local.process import LaunchSpec, Process, get_resident_memory, spawn, wait_for_exit
from smart_kit.testing.suite_harness import wait_until

SLEEP = (sys.executable, "-c", "print('awake', flush=True); import time; time.sleep(60)")


def make_launch(command: tuple[str, ...], cwd: Path) -> LaunchSpec:
    return LaunchSpec(command, {}, cwd)


def test_process_writes_its_record_before_exec(tmp_path: Path) -> None:
    popen = spawn(make_launch(SLEEP, tmp_path), tmp_path / "record", tmp_path / "log")
    try:
        wait_until(lambda: popen.poll() is not None or (tmp_path / "log").read_text() != "")
        recorded = Process.from_record(tmp_path / "record")
        assert recorded == Process.from_pid(popen.pid)
        assert recorded is not None
        assert recorded.is_alive
        assert (tmp_path / "log").read_text() == "awake\n"
    finally:
        popen.kill()
        popen.wait()
    assert not recorded.is_alive


def test_reused_pid_is_another_process(tmp_path: Path) -> None:
    popen = spawn(make_launch(SLEEP, tmp_path), tmp_path / "record", tmp_path / "log")
    try:
        other = Process(popen.pid, "born at another time")
        other.send_signal(9)
        assert not other.is_alive
        assert popen.poll() is None
    finally:
        popen.kill()
        popen.wait()


def test_zombie_counts_as_ended() -> None:
    popen = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = Process.from_pid(popen.pid)
    assert process is not None
    assert popen.stdin is not None
    popen.stdin.close()
    assert wait_for_exit([process], 60) == ()
    popen.wait()


def test_incomplete_record_identifies_no_process(tmp_path: Path) -> None:
    (tmp_path / "record").write_text("1234\n")
    assert Process.from_record(tmp_path / "record") is None
    assert Process.from_record(tmp_path / "none") is None


def test_memory_of_an_ended_process_is_unknown() -> None:
    popen = subprocess.Popen([sys.executable, "-c", ""])
    popen.wait()
    assert get_resident_memory(popen.pid) is None
