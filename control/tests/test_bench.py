"""`bench` without its scenarios, and the virtual environment of the bare bot."""

import json
import sys
from pathlib import Path

import pytest

from control import benchmark_scenarios
from control.cli import main
from control.context import Context
from control.errors import ControlError
from control.extra_virtualenv import ExtraVirtualenv
from control.file_lock import FileLock
from control.terminal import Terminal
from control.testing.subprocess_runner import INTERRUPTIBLE
from control.tests.fake_installer import RepositoryWithFakeUv
from control.tests.fake_python import FakePython

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bench reads /proc")

BARE_PYTHON = Path("bare", "python")


@pytest.fixture
def python(home: Path, monkeypatch: pytest.MonkeyPatch) -> FakePython:
    """A program in place of the Python of the tests, and an installed environment of the bot."""
    monkeypatch.setattr(ExtraVirtualenv, "ensure", lambda *_: BARE_PYTHON)
    return FakePython(home)


def write_report(file: Path, *names: str) -> None:
    """Write what `--compare` needs of a report with these scenarios."""
    scenarios = [{"name": name, "figures": [{"name": "CPU"}]} for name in names]
    report = {"machine": {}, "runs": 1, "is_quick": True, "scenarios": scenarios}
    file.write_text(json.dumps(report))


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ("", ""),
        ("known trickle", "known trickle"),
        ("--quick --runs 5 soak --minutes 2", "--quick --runs 5 --minutes 2 soak"),
        ("known --quick latency --runs 2 new", "--quick --runs 2 known latency new"),
        ("--json {home}/new.json", "--json {home}/new.json"),
        ("--compare {home}/old.json", "--compare {home}/old.json"),
    ],
)
def test_options_are_passed_to_the_scenarios(
    python: FakePython, terminal: Terminal, given: str, passed: str
) -> None:
    write_report(python.home / "old.json", "known")
    arguments = given.format(home=python.home).split()
    assert main(["bench", *arguments], python.context(terminal)) == 0
    (call,) = python.calls
    assert call["arguments"] == [
        *(*INTERRUPTIBLE, "tests.load.run", "--bare-python", str(BARE_PYTHON)),
        *passed.format(home=python.home).split(),
    ]


def test_relative_file_is_found_from_the_folder_of_the_operator(
    python: FakePython, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["bench", "--json", "new.json"], python.context(terminal))
    assert python.calls[0]["arguments"][-1] == str(tmp_path / "new.json")


def test_settings_of_the_suite_in_use_are_not_passed(
    python: FakePython, terminal: Terminal
) -> None:
    environ = {"STATE_DIR": "in-use", "TELEGRAM_TOKEN": "1:in-use", "PATH": "/usr/bin"}
    main(["bench"], python.context(terminal, **environ))
    assert python.calls[0]["environment"].keys().isdisjoint({"STATE_DIR", "TELEGRAM_TOKEN"})


def test_failing_scenario_fails_the_command(python: FakePython, terminal: Terminal) -> None:
    python.statuses = [1]
    assert main(["bench"], python.context(terminal)) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("knwn", "there is no scenario 'knwn'; there are: fakes, startup"),
        ("known --quick knwn", "there is no scenario 'knwn'; there are: fakes, startup"),
        ("known --fast latency", "bench does not take '--fast'"),
        ("--runs 0", "a number of runs is 1 or more, not '0'"),
        ("--minutes 0", "a number of minutes is 1 or more, not '0'"),
        ("--compare nowhere.json", "there is no file nowhere.json"),
        ("--json no/where.json", "there is no folder no"),
        ("--json {home}", "cannot write {home}: Is a directory"),
        ("--json /proc/version", "cannot write /proc/version: "),
        ("--docker", "it cannot use --docker"),
    ],
)
def test_invalid_arguments_are_reported_before_any_action(
    python: FakePython,
    terminal: Terminal,
    capsys: pytest.CaptureFixture[str],
    arguments: str,
    message: str,
) -> None:
    context = python.context(terminal)
    before = set(python.home.iterdir())
    assert main(["bench", *arguments.format(home=python.home).split()], context) == 2
    assert message.format(home=python.home) in capsys.readouterr().err
    assert set(python.home.iterdir()) == before


@pytest.mark.parametrize("content", [None, "figures of before"])
def test_run_that_fails_leaves_the_file_as_it_was(
    python: FakePython, terminal: Terminal, content: str | None
) -> None:
    file = python.home / "new.json"
    if content is not None:
        file.write_text(content)
    python.statuses = [1]
    assert main(["bench", "--json", str(file)], python.context(terminal)) == 1
    assert (file.read_text() if file.exists() else None) == content


@pytest.mark.parametrize(
    "content",
    [b"no JSON", b"\xff", b'{"a": 1}', b"[1]", b"null", b"[" * 100_000,
     b'{"machine": 1, "runs": 1, "is_quick": true, "scenarios": [{"name": "known"}]}'],
    ids=["text", "binary", "object", "list", "null", "deep", "scenario without figures"],
)  # fmt: skip
def test_file_that_is_no_report_is_refused_before_measuring(
    python: FakePython, terminal: Terminal, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    file = python.home / "old.json"
    file.write_bytes(content)
    assert main(["bench", "--compare", str(file)], python.context(terminal)) == 2
    assert capsys.readouterr().err == f"manage.py: {file} is not a report of bench --json\n"
    assert python.calls == []


def test_report_without_common_scenario_is_refused_before_measuring(
    python: FakePython, terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    file = python.home / "old.json"
    write_report(file, "new", "known")
    context = python.context(terminal)
    assert main(["bench", "latency", "--compare", str(file)], context) == 2
    assert "nothing to compare; its scenarios: known, new\n" in capsys.readouterr().err
    assert python.calls == []


def test_second_bench_is_refused(python: FakePython, terminal: Terminal) -> None:
    context = python.context(terminal)
    home = context.state_dir / "bench"
    home.mkdir(parents=True)
    lock = FileLock.try_acquire(home)
    assert lock is not None
    with lock:
        assert main(["bench"], context) == 1
    assert python.calls == []


def test_help_says_duration_and_offers_no_docker(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "about half an hour; docs/performance.md explains" in text
    assert "--docker" not in text


def test_help_names_each_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "--help"])
    words = capsys.readouterr().out.replace(",", " ").replace(";", " ").split()
    assert set(benchmark_scenarios.ALL) <= set(words)


def test_environment_is_made_again_only_for_other_pins(home: Path, terminal: Terminal) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    pins, virtualenv = home / "pins.txt", ExtraVirtualenv("the bot", "pins.txt")
    pins.write_text("no-such-package-here==1.0 --hash=sha256:00\n")
    environ = {"PATH": repository.path, "STATE_DIR": str(home / "state")}
    context = Context(
        home, home / "manage.py", environ, terminal, python_override=Path(sys.executable)
    )
    folder = home / "environment"
    with FileLock.acquire(home) as lock:
        assert virtualenv.ensure(context, folder, lock) == folder / "bin" / "python"
        assert repository.take_calls == ["venv --python", "pip install"]
        virtualenv.ensure(context, folder, lock)
        assert repository.take_calls == []
        pins.write_text("no-such-package-here==2.0 --hash=sha256:00\n")
        virtualenv.ensure(context, folder, lock)
        assert repository.take_calls == ["venv --python", "pip install"]


def test_environment_that_failed_is_made_again(home: Path, terminal: Terminal) -> None:
    repository = RepositoryWithFakeUv(home, terminal, pip="exit 1")
    (home / "pins.txt").write_text("no-such-package-here==1.0 --hash=sha256:00\n")
    environ = {"PATH": repository.path, "STATE_DIR": str(home / "state")}
    context = Context(
        home, home / "manage.py", environ, terminal, python_override=Path(sys.executable)
    )
    with FileLock.acquire(home) as lock:
        for _ in range(2):
            with pytest.raises(ControlError):
                ExtraVirtualenv("the bot", "pins.txt").ensure(context, home / "environment", lock)
            assert repository.take_calls == ["venv --python", "pip install"]
