"""The files by which commands and supervisor speak, after a power cut too."""

import os
from pathlib import Path

import pytest

from control.credentials import write_private
from control.local.process import Process
from control.local.run_directory import RunDirectory, Wish
from control.tests.fake_suite import FakeSuite
from smart_kit.testing.suite import wait_until

DAMAGES = ("", '{"tg_bot"', "null", "[3]", "\0\0\0", '{"tg_bot": 3}', '{"tg_bot": {"x": 1}}')


@pytest.mark.parametrize("text", DAMAGES)
@pytest.mark.parametrize("name", ["supervisor", "wishes.json", "status.json"])
def test_a_damaged_file_counts_as_absent_and_is_named(tmp_path: Path, name: str, text: str) -> None:
    run = RunDirectory(tmp_path)
    run.make()
    assert run.damaged() == []
    (run.path / name).write_text(text)
    assert (run.supervisor(), run.wishes(), run.status()) == (None, {}, {})
    assert run.damaged() == [run.path / name]


@pytest.mark.parametrize("text", ["", "12", "12\nboot\n7 (sh) S 1", "12\nboot\n7 (sh)", "\0\0"])
def test_half_a_record_is_of_no_process(tmp_path: Path, text: str) -> None:
    (tmp_path / "record").write_text(text)
    process = Process.recorded(tmp_path / "record")
    assert process is None or not process.lives


def test_what_is_written_is_on_the_disk_before_it_takes_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "wishes.json"
    file.write_text("old")
    seen: list[tuple[str, str]] = []
    sync = os.fsync

    def watched(descriptor: int) -> None:
        kind = "folder" if Path(f"/proc/self/fd/{descriptor}").is_dir() else "file"
        seen.append((kind, file.read_text()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    write_private(file, "new")
    assert seen == [("file", "old"), ("folder", "new")]


def test_lost_wishes_end_nothing_and_a_restart_makes_them_anew(suite: FakeSuite) -> None:
    suite.manage("start")
    before = suite.processes()
    suite.run.write_wishes({})
    (suite.run.path / "wishes.json").write_text("")
    supervisor = suite.run.supervisor()
    assert supervisor is not None
    os.kill(supervisor.pid, 1)
    log = suite.run.log("supervisor")
    wait_until(lambda: "wishes.json is lost or damaged" in log.read_text())
    assert "wishes.json is damaged and counts as absent" in suite.manage("status")
    for command in ("stop", "restart"):
        said = suite.manage(command, "--service", "tg_bot", status=1)
        assert "wishes.json is lost or damaged: run ./manage.py restart" in said
    assert all(process.lives for process in before)
    suite.manage("restart")
    assert suite.run.wishes()["tg_bot"] == Wish(run=True)
    assert "damaged" not in suite.manage("status")
