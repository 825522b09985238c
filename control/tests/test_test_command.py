"""`test`: the arguments of pytest in both modes, repeated runs, and runs under load."""

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from control.cli import main
from control.local.process import Process
from control.terminal import Terminal
from control.testing import selection
from control.tests.conftest import ROOT
from control.tests.fake_docker import FakeDocker
from control.tests.fake_python import FakePython
from smart_kit.testing.suite_harness import wait_until

NOTHING_COLLECTED = 5
COVERAGE_REPORT = "--cov-report=term-missing:skip-covered"
COMMAND_SCRIPT = """\
import signal, sys
from pathlib import Path
from control.cli import main
from control.context import Context
from control.terminal import Terminal
# SIGINT is ignored if the tests run in the background
signal.signal(signal.SIGINT, signal.default_int_handler)
home = Path({home!r})
context = Context(
    home,
    home / "manage.py",
    {{}},
    Terminal.from_stream(),
    python_override=home / "programs" / "python",
)
sys.exit(main(["test", "--local", "--under-load", "--repeat", "3"], context))
"""
needs_proc = pytest.mark.skipif(not Path("/proc").exists(), reason="there they are looked for")


@pytest.fixture
def python(home: Path) -> FakePython:
    return FakePython(home)


class TestLocal:
    @pytest.mark.parametrize(
        ("message", "reported"),
        [
            ("", ["-m", "not slow"]),
            ("--service tg_bot", ["-m", "not slow", "tg_bot/tests"]),
            (
                "--service control --service smart_kit",
                ["-m", "not slow", "control/tests", "smart_kit/tests"],
            ),
            ("-- tests/e2e -k chat", ["-m", "not slow", "tests/e2e", "-k", "chat"]),
            ("--all -- -k chat", ["-k", "chat"]),
            ("--all -- programs", ["programs"]),
            ("--all -- --co", ["--co"]),
            ("--all --service tg_bot", ["--cov=tg_bot", COVERAGE_REPORT, "tg_bot/tests"]),
        ],
    )
    def test_options_are_passed_to_pytest(
        self, python: FakePython, terminal: Terminal, message: str, reported: list[str]
    ) -> None:
        (python.home / "tests/e2e").mkdir(parents=True)
        assert main(["test", "--local", *message.split()], python.context(terminal)) == 0
        assert python.pytest_options == [*selection.PARALLEL_OPTIONS, *reported]
        assert "--dist=loadfile" in selection.PARALLEL_OPTIONS, (
            "tests of one file share what they start"
        )

    def test_settings_of_the_suite_in_use_are_not_passed(
        self, python: FakePython, terminal: Terminal
    ) -> None:
        environ = {"STATE_DIR": "in-use", "TELEGRAM_TOKEN": "1:in-use", "PATH": "/usr/bin"}
        main(["test"], python.context(terminal, **environ))
        (call,) = python.calls
        assert call["environment"]["PATH"] == "/usr/bin"
        assert call["environment"].keys().isdisjoint({"STATE_DIR", "TELEGRAM_TOKEN"})
        assert call["cwd"] == str(python.home)

    def test_failing_tests_fail_the_command(self, python: FakePython, terminal: Terminal) -> None:
        python.statuses = [1]
        assert main(["test", "--local"], python.context(terminal)) == 1

    def test_parts_and_paths_cannot_be_combined(
        self, python: FakePython, terminal: Terminal, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (python.home / "tests").mkdir()
        for mode in ("--local", "--docker"):
            arguments = ["test", mode, "--service", "control", "--", "tests"]
            assert main(arguments, python.context(terminal)) == 2
            assert "either by --service or by their paths" in capsys.readouterr().err
        assert python.calls == []

    def test_path_outside_the_repository_is_refused(
        self, python: FakePython, terminal: Terminal, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["test", "--", "/"], python.context(terminal)) == 2
        assert "/ is not in this repository" in capsys.readouterr().err

    @pytest.mark.parametrize(
        "named", ["test_nope.py", "tests/nope", "tests/test_nope.py::test_one"]
    )
    @pytest.mark.parametrize("before", ["-x", "tests"])
    def test_missing_path_is_reported(
        self,
        python: FakePython,
        terminal: Terminal,
        capsys: pytest.CaptureFixture[str],
        before: str,
        named: str,
    ) -> None:
        (python.home / "tests").mkdir()
        assert main(["test", "--all", "--", before, named], python.context(terminal)) == 2
        path = named.partition("::")[0]
        assert f"there is no file or folder {path}" in capsys.readouterr().err
        assert python.calls == []

    def test_option_value_with_a_path_is_no_test(
        self, python: FakePython, terminal: Terminal
    ) -> None:
        arguments = ["--junitxml", "reports/tests.xml"]
        assert main(["test", "--", *arguments], python.context(terminal)) == 0
        assert python.pytest_options[-2:] == arguments

    def test_single_file_is_tested_by_one_process(
        self, python: FakePython, terminal: Terminal
    ) -> None:
        """One process starts sooner, and pytest then reports errors in the names of tests."""
        (python.home / "test_one.py").touch()
        main(["test", "--", "test_one.py::test_first"], python.context(terminal))
        assert python.pytest_options == ["-m", "not slow", "test_one.py::test_first"]

    def test_pytest_option_must_follow_the_dashes(
        self, python: FakePython, terminal: Terminal, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["test", "-k", "chat"], python.context(terminal)) == 2
        assert "test does not take '-k'" in (message := capsys.readouterr().err)
        assert "arguments of pytest follow after --" in message

    def test_unknown_part_is_reported_with_the_known_parts(
        self, python: FakePython, terminal: Terminal, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["test", "--service", "bot"], python.context(terminal)) == 2
        assert "there is no part 'bot'; there are: assistant" in capsys.readouterr().err
        assert python.calls == []


class TestDocker:
    @pytest.fixture(autouse=True)
    def _responses(self, docker: FakeDocker) -> None:
        docker.responses |= {"run tests": ["", 0], "down": ["", 0]}

    def run_tests(self, docker: FakeDocker, python: FakePython, *arguments: str) -> int:
        python.write_responses()
        environ = {"PATH": f"{docker.home / 'bin'}:{os.environ['PATH']}"}
        docker.write_responses()
        context = python.context(Terminal(io.StringIO(), is_tty=False, colour=False), **environ)
        return main(["test", "--docker", *arguments], context)

    @pytest.mark.parametrize(
        ("message", "parts", "stories"),
        [
            (
                "",
                ["-m", "servers and not e2e and not local and not slow"],
                ["tests/e2e", "-m", "e2e and not local and not slow"],
            ),
            (
                "--all",
                ["-m", "not e2e and not local", "--cov", "--cov-report=term"],
                ["tests/e2e", "-m", "e2e and not local"],
            ),
            (
                "-- -k chat",
                ["-m", "servers and not e2e and not local and not slow", "-k", "chat"],
                ["tests/e2e", "-m", "e2e and not local and not slow", "-k", "chat"],
            ),
        ],
    )
    def test_parts_run_in_a_container_and_stories_outside(
        self,
        docker: FakeDocker,
        python: FakePython,
        message: str,
        parts: list[str],
        stories: list[str],
    ) -> None:
        assert self.run_tests(docker, python, *message.split()) == 0
        arguments = docker.get_only_call("run", "tests")["arguments"]
        assert arguments[arguments.index("tests") + 1 :] == [*selection.PARALLEL_OPTIONS, *parts]
        assert python.pytest_options == stories
        assert python.calls[0]["environment"]["SUITE_MODE"] == "docker"
        assert docker.calls[-1]["arguments"][-4:] == ["down", "--volumes", "--timeout", "1"]

    @pytest.mark.parametrize(
        ("named", "parts", "stories"),
        [
            ("tests/e2e/shared/test_chat.py::test_hello", 0, 1),
            ("smart_kit/tests", 1, 0),
            ("smart_kit/tests tests/e2e", 1, 1),
            (".", 1, 1),
            ("tests", 1, 1),
            ("-k smart_kit", 1, 1),
            ("{home}/tests/e2e/shared", 0, 1),
            ("{home}/smart_kit/tests", 1, 0),
        ],
    )
    def test_named_tests_run_in_their_environment(
        self, docker: FakeDocker, python: FakePython, named: str, parts: int, stories: int
    ) -> None:
        for place in ("smart_kit/tests", "tests/e2e/shared"):
            (python.home / place).mkdir(parents=True, exist_ok=True)
        (python.home / "tests/e2e/shared/test_chat.py").touch()
        arguments = named.format(home=python.home).split()
        assert self.run_tests(docker, python, "--", *arguments) == 0
        runs = [call for call in docker.calls if "run" in call["arguments"]]
        assert len(runs) == parts
        assert len(python.calls) == stories
        for call in runs:
            assert not any(
                str(python.home) in word for word in call["arguments"][-len(arguments) :]
            )
        for call in python.calls:
            assert call["arguments"][-len(arguments) :] == arguments

    def test_single_part_runs_no_end_to_end_tests(
        self, docker: FakeDocker, python: FakePython
    ) -> None:
        assert self.run_tests(docker, python, "--service", "tg_bot", "--all") == 0
        arguments = docker.get_only_call("run", "tests")["arguments"]
        options = ["-m", "not e2e and not local", "--cov=tg_bot", COVERAGE_REPORT, "tg_bot/tests"]
        assert arguments[-len(options) :] == options
        assert python.calls == []

    @pytest.mark.parametrize(
        ("parts", "stories", "expected"),
        [
            *((1, 0, 1), (0, 1, 1), (0, -9, -9)),
            *((NOTHING_COLLECTED, 0, 0), (0, NOTHING_COLLECTED, 0)),
            (NOTHING_COLLECTED, NOTHING_COLLECTED, NOTHING_COLLECTED),
        ],
    )
    def test_either_failure_fails_and_one_selection_may_be_empty(
        self, docker: FakeDocker, python: FakePython, parts: int, stories: int, expected: int
    ) -> None:
        docker.responses["run tests"] = ["", parts]
        python.statuses = [stories]
        if stories == -signal.SIGKILL:
            python.path.write_text("#!/bin/sh\nkill -9 $$\n")
        assert self.run_tests(docker, python) == expected

    def test_missing_engine_prevents_all_tests(
        self, docker: FakeDocker, python: FakePython, capsys: pytest.CaptureFixture[str]
    ) -> None:
        docker.responses["version"] = ["", 1]
        assert self.run_tests(docker, python) == 1
        assert "no Docker Engine answers" in capsys.readouterr().err
        assert python.calls == []


class TestRepeated:
    def parse_outcomes(self, output: io.StringIO) -> list[str]:
        return re.sub(r", (\d+m )?\d+s", "", output.getvalue()).splitlines()

    def test_repeated_runs_are_all_executed_and_summarized(
        self, python: FakePython, terminal: Terminal, output: io.StringIO
    ) -> None:
        python.statuses = [0, 1, 0]
        assert main(["test", "--local", "--repeat", "3"], python.context(terminal)) == 1
        message = ["run 1: passed", "run 2: failed", "run 3: passed", "3 of 3 runs, 1 failed"]
        assert self.parse_outcomes(output) == message
        assert len(python.calls) == 3

    def test_killed_run_counts_as_failed(
        self, python: FakePython, terminal: Terminal, output: io.StringIO
    ) -> None:
        context = python.context(terminal)
        python.path.write_text(
            '#!/bin/sh\n[ -e "$0.again" ] && exit 0\ntouch "$0.again"\nkill -9 $$\n'
        )
        assert main(["test", "--local", "--repeat", "2"], context) == -signal.SIGKILL
        assert self.parse_outcomes(output) == [
            "run 1: failed",
            "run 2: passed",
            "2 of 2 runs, 1 failed",
        ]

    def test_interrupted_run_is_the_last(
        self, python: FakePython, terminal: Terminal, output: io.StringIO
    ) -> None:
        python.statuses = [0, 2]
        assert main(["test", "--local", "--repeat", "9"], python.context(terminal)) == 2
        message = ["run 1: passed", "run 2: interrupted", "1 of 9 runs, 0 failed"]
        assert self.parse_outcomes(output) == message

    def test_single_run_has_no_summary(
        self, python: FakePython, terminal: Terminal, output: io.StringIO
    ) -> None:
        main(["test", "--local"], python.context(terminal))
        assert output.getvalue() == ""

    @pytest.mark.parametrize("number", ["0", "x"])
    def test_invalid_number_of_runs_is_refused(
        self,
        python: FakePython,
        terminal: Terminal,
        capsys: pytest.CaptureFixture[str],
        number: str,
    ) -> None:
        assert main(["test", "--repeat", number], python.context(terminal)) == 2
        assert f"a number of runs is 1 or more, not '{number}'" in capsys.readouterr().err


@needs_proc
class TestUnderLoad:
    @pytest.fixture(autouse=True)
    def _two_cores(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "cpu_count", lambda: 2)

    def test_each_core_has_a_busy_loop_until_the_end(
        self, python: FakePython, terminal: Terminal
    ) -> None:
        assert main(["test", "--local", "--under-load"], python.context(terminal)) == 0
        (call,) = python.calls
        assert len(call["loops"]) == 2
        assert [pid for pid in call["loops"] if Process.from_pid(pid)] == []

    def test_without_the_option_no_load_is_generated(
        self, python: FakePython, terminal: Terminal
    ) -> None:
        main(["test", "--local"], python.context(terminal))
        assert python.calls[0]["loops"] == []

    def start_command(self, python: FakePython) -> subprocess.Popen[str]:
        """Start the command with a run that does not end, in its own process group."""
        python.hangs = True
        python.write_responses()
        command = subprocess.Popen(
            [sys.executable, "-c", COMMAND_SCRIPT.format(home=str(python.home))],
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        wait_until(lambda: bool(python.calls))
        return command

    def test_killed_command_leaves_no_busy_loop(self, python: FakePython) -> None:
        with self.start_command(python) as command:
            loops = python.calls[0]["loops"]
            assert loops
            os.kill(command.pid, signal.SIGKILL)
            wait_until(lambda: not any(map(Process.from_pid, loops)))
            os.killpg(command.pid, signal.SIGKILL)  # pytest, whose parent was killed

    @pytest.mark.parametrize(
        ("end", "number", "status"),
        [(os.killpg, signal.SIGINT, 130), (os.kill, signal.SIGTERM, 143)],
        ids=["as a terminal does", "as a supervisor does"],
    )
    def test_interrupted_command_lets_pytest_clean_up_and_ends(
        self,
        python: FakePython,
        end: Callable[[int, int], None],
        number: int,
        status: int,
    ) -> None:
        with self.start_command(python) as command:
            loops = python.calls[0]["loops"]
            end(command.pid, number)
            message, _ = command.communicate(timeout=60)
        assert command.returncode == status
        assert message == "run 1: interrupted\n0 of 3 runs, 0 failed\n"
        assert not any(map(Process.from_pid, loops))
        assert (python.home / "tidied").exists()
        assert len(python.calls) == 1
