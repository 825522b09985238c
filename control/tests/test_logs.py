import io
from pathlib import Path

import pytest

from control.cli import main
from control.context import Context
from control.terminal import Terminal


def run_logs(home: Path, terminal: Terminal, *arguments: str) -> int:
    context = Context(home, home / "manage.py", {"STATE_DIR": "state"}, terminal)
    return main(["logs", "--local", *arguments], context)


@pytest.fixture
def logs(home: Path) -> Path:
    folder = home / "state" / "logs"
    folder.mkdir(parents=True)
    return folder


def test_requested_number_of_lines_is_printed(
    home: Path, logs: Path, terminal: Terminal, output: io.StringIO
) -> None:
    (logs / "tg_bot.log").write_text("one\ntwo\nthree\n")
    assert run_logs(home, terminal, "-n", "2") == 0
    assert run_logs(home, terminal, "-n", "0") == 0
    assert output.getvalue() == "tg_bot │ two\ntg_bot │ three\n"


def test_empty_log_is_reported(
    home: Path, logs: Path, terminal: Terminal, output: io.StringIO
) -> None:
    (logs / "tg_bot.log").touch()
    assert run_logs(home, terminal) == 0
    assert output.getvalue() == "The log of tg_bot is empty.\n"


def test_missing_log_is_reported_with_the_available_logs(
    home: Path, logs: Path, terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    (logs / "redis.log").write_text("one\n")
    assert run_logs(home, terminal, "--service", "tg_bot") == 1
    message = capsys.readouterr().err
    assert message == "manage.py: there is no log of tg_bot yet; there are: redis\n"


def test_install_log_is_shown_on_demand_or_alone(
    home: Path, logs: Path, terminal: Terminal, output: io.StringIO
) -> None:
    (logs / "install.log").write_text("collecting\n")
    run_logs(home, terminal)
    (logs / "redis.log").write_text("ready\n")
    run_logs(home, terminal)
    run_logs(home, terminal, "--service", "install")
    assert [line.split(" ")[0] for line in output.getvalue().splitlines()] == [
        "install",
        "redis",
        "install",
    ]
