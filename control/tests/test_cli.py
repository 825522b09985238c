import ast
import io
import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from control import options, replicas
from control.cli import COMMANDS, main
from control.context import Context
from control.options import Parser
from control.services import SERVICES
from control.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def context(home: Path, terminal: Terminal) -> Context:
    return Context(home, home / "manage.py", {"STATE_DIR": "state"}, terminal)


def test_every_command_is_implemented() -> None:
    for command in COMMANDS:
        module, _, function = command.entry_point.partition(":")
        assert callable(getattr(import_module(f".{module}", "control.commands"), function))


def test_makefile_has_a_target_for_each_command() -> None:
    shown = {command.name for command in COMMANDS if command.help}
    lines = (ROOT / "Makefile").read_text().splitlines()
    rules = {name for line in lines if line[0].isalpha() for name in line.split(":")[0].split()}
    (phony,) = (line for line in lines if line.startswith(".PHONY:"))
    assert shown <= rules == set(phony.split()[1:])


def test_help_has_a_line_for_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 0
    message = capsys.readouterr().out
    assert {command.name for command in COMMANDS if command.help} <= set(message.split())
    assert "supervise" not in message


def test_version_is_that_of_the_project(terminal: Terminal, output: io.StringIO) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert main(["--version"], Context(ROOT, ROOT / "manage.py", {}, terminal)) == 0
    assert output.getvalue() == project["version"] + "\n"


@pytest.mark.parametrize(
    ("command", "suggestion"),
    [("strat", "start"), ("log", "logs"), ("statu", "status"), ("xyz", "--help")],
)
def test_unknown_command_suggests_the_nearest(
    command: str, suggestion: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command]) == 2
    message = capsys.readouterr().err
    assert suggestion in message
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("start --service nope", "there is no service 'nope'; there are: postgres, redis, rest_"),
        ("logs --service nope", "there is no log 'nope'; there are: postgres, redis, migrate, re"),
        ("start --serv tg_bot", "start does not take '--serv'; see ./manage.py start --help"),
        ("start tg_bot", "start does not take 'tg_bot'; see ./manage.py start --help"),
        ("start --service", "--service: expected one argument; see ./manage.py start --help"),
        ("--local start", "there is no command '--local'; see ./manage.py --help"),
        (
            "start --replicas tg_bot=2",
            "tg_bot cannot have replicas; services with replicas: rest_service, ",
        ),
        ("start --replicas x=2", "there is no service 'x'; services with replicas: rest_serv"),
        ("start --replicas assistant=0", "a number of replicas is from 1 to 16, not '0' (assis"),
        ("start --replicas assistant=17", "a number of replicas is from 1 to 16, not '17' (assi"),
        ("start --replicas assistant=x", "a number of replicas is from 1 to 16, not 'x' (assist"),
        ("start --replicas assistant=2,x=1", "there is no service 'x'; services with replicas"),
        ("start --replicas assistant", "--replicas takes NAME=N, as in rest_service=3, not 'as"),
        ("restart --replicas assistant=2", "restart does not take '--replicas'; see ./manage."),
        ("upgrade --service tg_bot", "tg_bot has no schema, only rest_service has one"),
        ("migrate --service sandbox message", "sandbox has no schema, only rest_service has one"),
        ("migrate", "the following arguments are required: message; see ./manage.py migrate --h"),
        ("logs -n -5", "a number of lines is 0 or more, not '-5'"),
        ("logs -n many", "a number of lines is 0 or more, not 'many'"),
        ("fuzz --cases many", "a number of cases is 0 or more, not 'many'"),
        ("fuzz --seed -1", "a seed is 0 or more, not '-1'"),
        ("chat --timeout nan", "a timeout is a number of seconds above 0, not 'nan'"),
        ("chat --timeout -1", "a timeout is a number of seconds above 0, not '-1'"),
    ],
)
def test_invalid_arguments_fail_in_one_line_before_any_action(
    context: Context, home: Path, line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.split(), context) == 2
    reported = capsys.readouterr().err
    assert reported.startswith(f"manage.py: {message}")
    assert reported.count("\n") == 1
    assert [path.name for path in home.iterdir()] == [".env.example"]


def test_replicas_can_be_repeated_and_the_last_number_counts() -> None:
    parser = Parser()
    options.start(parser, SERVICES)
    arguments = ["--replicas", "assistant=3,cron_service=2", "--replicas", "assistant=16"]
    assert replicas.parse_requested(parser.parse_args(arguments)) == {
        "assistant": 16,
        "cron_service": 2,
    }


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_help_shows_the_options_of_both_modes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    message = capsys.readouterr().out
    assert "--local" in message
    assert ("--docker" in message) == (command != "bench"), "bench refuses it"


def test_shared_modules_do_not_import_local_mode() -> None:
    control = ROOT / "control"
    shared = [path for folder in (control, control / "commands") for path in folder.glob("*.py")]
    assert [path.name for path in shared if "control.local" in path.read_text()] == []


def test_unreadable_file_is_reported_in_one_line(
    context: Context, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".env").mkdir()
    assert main(["status", "--local"], context) == 1
    assert capsys.readouterr().err == f"manage.py: Is a directory: {home / '.env'}\n"


def test_read_only_commands_create_no_files_in_a_fresh_clone(
    context: Context, home: Path, output: io.StringIO
) -> None:
    assert main(["status", "--local"], context) == 1
    assert main(["stop", "--local"], context) == 0
    assert main(["logs", "--local"], context) == 0
    assert output.getvalue().splitlines() == [
        "Smart Assistant is not running.",
        "Nothing runs.",
        "There are no logs yet: ./manage.py start makes them.",
    ]
    assert [path.name for path in home.iterdir()] == [".env.example"]


def test_closed_output_pipe_is_no_error(home: Path) -> None:
    logs = home / "state" / "logs"
    logs.mkdir(parents=True)
    (logs / "bot.log").write_text("a line\n" * 50_000)
    with subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "logs", "--local", "-n", "50000"],
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


def test_too_old_python_prints_the_required_version(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "manage.py").read_text()
    ast.parse(text, feature_version=(3, 6))
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer; this is Python 3\.9"):
        exec(compile(text, "manage.py", "exec"), {"__name__": "__main__"})


def test_early_ctrl_c_shows_no_traceback() -> None:
    code = (
        "import os, runpy, signal, sys\n"
        # SIGINT is ignored if the tests run in the background
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def interrupt(event, args):\n"
        "    if event == 'import' and args[0] == 'control.cli':\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.addaudithook(interrupt)\n"
        "sys.argv = ['manage.py', 'status']\n"
        "runpy.run_path('manage.py', run_name='__main__')\n"
    )
    command = [sys.executable, "-c", code]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (completed.returncode, completed.stdout, completed.stderr) == (130, "", "")


def test_windows_prints_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "manage.py").read_text()
    with monkeypatch.context() as patched:
        patched.setattr(os, "name", "nt")
        with pytest.raises(SystemExit, match="inside WSL 2"):
            exec(compile(text, "manage.py", "exec"), {"__name__": "__main__"})
