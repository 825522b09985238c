"""`check` and `fuzz`, with programs that record their calls."""

import io
import json
import sys
from pathlib import Path

import pytest

from control.cli import main
from control.context import Context
from control.terminal import Terminal
from control.testing.subprocess_runner import INTERRUPTIBLE

PROGRAM = """\
#!{python} -IS
import json, os, sys
from pathlib import Path
name = Path(sys.argv[0]).name
Path({home!r}, name + ".json").write_text(
    json.dumps({{"arguments": sys.argv[1:], "environment": dict(os.environ), "cwd": os.getcwd()}})
)
print("output of", name)
sys.exit(name in {failing!r})
"""


def make_context(home: Path, terminal: Terminal, failing: str = "") -> Context:
    programs = home / "programs"
    programs.mkdir()
    for name in ("python", "ruff", "mypy", "lint-imports"):
        text = PROGRAM.format(python=sys.executable, home=str(home), failing=failing.split())
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    environ = {"STATE_DIR": "in-use", "TELEGRAM_TOKEN": "1:in-use", "PATH": "/usr/bin"}
    return Context(home, home / "manage.py", environ, terminal, python_override=programs / "python")


def read_call(home: Path, name: str) -> dict[str, object]:
    content: dict[str, object] = json.loads((home / f"{name}.json").read_text())
    return content


def test_each_passed_check_prints_one_line(
    home: Path, terminal: Terminal, output: io.StringIO
) -> None:
    assert main(["check"], make_context(home, terminal)) == 0
    message = output.getvalue()
    assert [line.split()[1] for line in message.splitlines()] == [
        *("generated", "format", "lint", "types", "imports")
    ]
    assert message.count("✓") == 5


def test_failed_check_prints_its_output_and_others_still_run(
    home: Path, terminal: Terminal, output: io.StringIO
) -> None:
    assert main(["check"], make_context(home, terminal, "mypy")) == 1
    message = output.getvalue()
    assert message.count("✓") == 4
    assert message.count("✗ types") == 1
    assert "output of mypy" in message
    assert "output of ruff" not in message


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        (["fuzz"], ["--cases", "20000"]),
        (["fuzz", "--cases", "50", "--seed", "3"], ["--cases", "50", "--seed", "3"]),
    ],
)
def test_fuzzing_does_not_use_the_running_suite(
    home: Path, terminal: Terminal, message: list[str], arguments: list[str]
) -> None:
    assert main(message, make_context(home, terminal)) == 0
    call = read_call(home, "python")
    assert call["arguments"] == [*INTERRUPTIBLE, "rest_service.tests.fuzz", *arguments]
    environment = call["environment"]
    assert isinstance(environment, dict)
    assert environment.keys().isdisjoint({"STATE_DIR", "TELEGRAM_TOKEN"})
