import ast
import io
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from control.cli import COMMANDS, main
from control.context import Context
from control.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def context(home: Path, terminal: Terminal) -> Context:
    return Context(home, home / "manage.py", {"STATE_DIR": "state"}, terminal)


def test_every_command_leads_somewhere() -> None:
    for command in COMMANDS:
        module, _, function = command.place.format(mode="local").partition(":")
        assert callable(getattr(import_module(f"control.{module}"), function))


def test_the_makefile_has_a_line_for_each_command() -> None:
    shown = {command.name for command in COMMANDS if command.help}
    lines = (ROOT / "Makefile").read_text().splitlines()
    assert {line.split(":")[0] for line in lines if line[0].isalpha()} == shown


def test_help_has_a_line_for_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert all(f"{command.name} " in said for command in COMMANDS if command.help)
    assert "supervise" not in said


@pytest.mark.parametrize(
    ("word", "near"), [("strat", "start"), ("log", "logs"), ("statu", "status"), ("xyz", "--help")]
)
def test_an_unknown_command_is_answered_with_the_nearest(
    word: str, near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word]) == 2
    said = capsys.readouterr().err
    assert near in said
    assert said.count("\n") == 1


def test_docker_is_not_there_yet_and_says_so(
    context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["start", "--docker"], context) == 1
    assert "--docker is not there yet" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_one_line(
    context: Context, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".env").mkdir()
    assert main(["status", "--local"], context) == 1
    assert capsys.readouterr().err == f"manage.py: Is a directory: {home / '.env'}\n"


def test_looking_at_a_fresh_clone_makes_nothing(
    context: Context, home: Path, output: io.StringIO
) -> None:
    assert main(["status"], context) == 1
    assert main(["stop"], context) == 0
    assert main(["logs"], context) == 0
    assert output.getvalue() == "Smart Assistant is not running.\nNothing runs.\n"
    assert [path.name for path in home.iterdir()] == [".env.example"]


def test_a_reader_that_goes_away_is_no_error(home: Path) -> None:
    logs = home / "state" / "logs"
    logs.mkdir(parents=True)
    (logs / "bot.log").write_text("a line\n" * 50_000)
    with subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "logs", "-n", "50000"],
        env=os.environ | {"STATE_DIR": str(home / "state")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_python_too_old_is_told_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "manage.py").read_text()
    ast.parse(text, feature_version=(3, 6))
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer; this is Python 3\.9"):
        exec(compile(text, "manage.py", "exec"), {"__name__": "__main__"})


def test_windows_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "manage.py").read_text()
    with monkeypatch.context() as patched:
        patched.setattr(os, "name", "nt")
        with pytest.raises(SystemExit, match="inside WSL 2"):
            exec(compile(text, "manage.py", "exec"), {"__name__": "__main__"})
