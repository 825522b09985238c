"""The required coverage of key modules."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from control.cli import main
from control.errors import ControlError
from control.terminal import Terminal
from control.testing import coverage_gate, key_modules
from control.testing.coverage_gate import ModuleCoverage
from control.testing.key_modules import KeyModule
from control.tests.conftest import ROOT
from control.tests.fake_python import FakePython

PROJECT = """\
[tool.smart-assistant.key-modules]
vault = ["kit/vault.py"]
queue = ["kit/queue/*.py"]
"""
VAULT = KeyModule("vault", (Path("kit/vault.py"),), ("kit/tests",))


def make_file_report(
    lines: int = 100,
    branches: int = 100,
    missing_lines: tuple[int, ...] = (),
    missing_branches: tuple[tuple[int, int], ...] = (),
) -> dict[str, Any]:
    """Return the report of coverage.py for a file with this many lines and branches."""
    return {
        "summary": {
            "num_statements": lines,
            "covered_lines": lines - len(missing_lines),
            "num_branches": branches,
            "covered_branches": branches - len(missing_branches),
        },
        "missing_lines": list(missing_lines),
        "missing_branches": [list(branch) for branch in missing_branches],
    }


@pytest.fixture
def project(home: Path) -> Path:
    """A repository with two key modules."""
    (home / "pyproject.toml").write_text(PROJECT)
    for name in ("kit/vault.py", "kit/queue/a.py", "kit/queue/b.py", "kit/queue/notes.txt"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    return home


@pytest.mark.parametrize("processes", ["0", "1"])
def test_coverage_is_measured_only_in_key_module_tests(project: Path, processes: str) -> None:
    """A real run: inside pytest-xdist, pytest-cov measures twice."""
    code = "def lock():\n    return 1\n\n\ndef open():\n    return 2\n"
    (project / "kit/vault.py").write_text(code)
    for part, body in (
        ("kit", "vault.lock()"),
        ("other", "vault.open(); assert sys.gettrace() is None"),
    ):
        tests = project / part / "tests"
        tests.mkdir(parents=True)
        text = f"import sys\nfrom kit import vault\n\n\ndef test():\n    {body}\n"
        (tests / f"test_{part}.py").write_text(text)
    options = ("--numprocesses", processes, "--cov=kit", "--cov-report=json")
    gate_plugin = "control.testing.key_module_coverage_plugin"
    plugins = ("-p", "xdist", "-p", "pytest_cov", "-p", gate_plugin)
    subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, *options],
        cwd=project,
        env={"PYTHONPATH": f"{ROOT}:{project}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        check=True,
    )
    report = json.loads((project / "coverage.json").read_text())
    assert report["files"]["kit/vault.py"]["missing_lines"] == [6]


class TestKeyModules:
    def test_module_files_match_its_patterns(self, project: Path) -> None:
        files = (Path("kit/queue/a.py"), Path("kit/queue/b.py"))
        assert [*key_modules.read(project)] == [VAULT, KeyModule("queue", files, ("kit/tests",))]

    def test_pattern_without_match_is_refused(self, project: Path) -> None:
        (project / "kit" / "vault.py").unlink()
        with pytest.raises(ControlError, match=r"no file matches 'kit/vault\.py' of the key"):
            [*key_modules.read(project)]

    def test_each_pattern_of_this_project_matches(self) -> None:
        assert all(module.files for module in key_modules.read(ROOT))


class TestSufficientCoverage:
    @pytest.mark.parametrize(
        ("found", "is_enough", "missing"),
        [
            (make_file_report(), True, ()),
            (make_file_report(missing_lines=(7,)), True, ("kit/vault.py:7",)),
            (make_file_report(missing_lines=(7, 8)), False, ("kit/vault.py:7", "kit/vault.py:8")),
            (
                make_file_report(missing_branches=((3, 5), (9, -1))),
                False,
                ("kit/vault.py:3->5", "kit/vault.py:9->-1"),
            ),
            (make_file_report(lines=0, branches=0), True, ()),
            (None, False, ("kit/vault.py: never imported",)),
            (
                make_file_report(lines=1, missing_lines=(1,)),
                False,
                ("kit/vault.py: never imported",),
            ),
        ],
    )
    def test_lines_and_branches_are_judged_separately(
        self, found: dict[str, Any] | None, is_enough: bool, missing: tuple[str, ...]
    ) -> None:
        coverage = ModuleCoverage.from_report(VAULT, {"kit/vault.py": found} if found else {})
        assert (coverage.is_enough, coverage.missing) == (is_enough, missing)

    def test_module_never_imported_has_no_coverage(self) -> None:
        coverage = ModuleCoverage.from_report(VAULT, {})
        assert (coverage.lines, coverage.branches) == (0.0, 0.0)

    def test_files_of_a_module_are_judged_together(self) -> None:
        module = KeyModule("queue", (Path("a.py"), Path("b.py")))
        files = {
            "a.py": make_file_report(lines=300),
            "b.py": make_file_report(missing_lines=(1, 2, 3)),
        }
        coverage = ModuleCoverage.from_report(module, files)
        assert (coverage.lines, coverage.is_enough) == (99.25, True)

    def test_file_never_imported_fails_its_module(self) -> None:
        module = KeyModule("queue", (Path("a.py"), Path("b.py")))
        assert not ModuleCoverage.from_report(
            module, {"a.py": make_file_report(lines=10_000)}
        ).is_enough


class TestCoverageGate:
    """The check after a full run."""

    @pytest.fixture
    def python(self, project: Path) -> FakePython:
        python = FakePython(project)
        names = ("kit/vault.py", "kit/queue/a.py", "kit/queue/b.py")
        python.report = {"files": {name: make_file_report() for name in names}}
        return python

    def test_full_coverage_leaves_the_exit_status_to_the_tests(
        self, python: FakePython, terminal: Terminal, output: io.StringIO
    ) -> None:
        assert main(["test", "--all", "--local"], python.context(terminal)) == 0
        headings, vault, queue = output.getvalue().splitlines()
        assert headings.split() == ["key", "module", "lines", "branches"]
        assert [vault.split()[0], queue.split()[0]] == ["vault", "queue"]
        assert "below" not in output.getvalue()

        python.statuses = [3]
        assert main(["test", "--all", "--local"], python.context(terminal)) == 3

    def test_low_coverage_fails_the_run_and_lists_missing_lines(
        self, python: FakePython, terminal: Terminal, output: io.StringIO
    ) -> None:
        assert python.report is not None
        python.report["files"]["kit/vault.py"] = make_file_report(missing_branches=((3, 5), (3, 9)))
        assert main(["test", "--all", "--local"], python.context(terminal)) == 1
        message = output.getvalue().splitlines()
        assert message[1].endswith("98.0 %  below 99.0 %")
        assert message[2:4] == ["    kit/vault.py:3->5", "    kit/vault.py:3->9"]

    @pytest.mark.parametrize("status", [2, 5], ids=["interrupted", "nothing collected"])
    def test_partial_run_has_no_coverage_gate(
        self, python: FakePython, terminal: Terminal, output: io.StringIO, status: int
    ) -> None:
        python.report, python.statuses = {"files": {}}, [status]
        assert main(["test", "--all", "--local"], python.context(terminal)) == status
        assert output.getvalue() == ""

    def test_missing_coverage_data_is_reported(
        self, python: FakePython, terminal: Terminal, output: io.StringIO
    ) -> None:
        python.report = None
        assert main(["test", "--all", "--local"], python.context(terminal)) == 1
        assert output.getvalue() == "! there is no report of the coverage: null\n"

    def test_run_removes_coverage_data_of_killed_runs(
        self, python: FakePython, terminal: Terminal
    ) -> None:
        context = python.context(terminal)
        ended = subprocess.Popen(["true"])
        ended.wait()
        parent = context.state_dir / "coverage"
        killed, living = (parent / str(pid) for pid in (ended.pid, os.getppid()))
        for folder in (killed, living):
            folder.mkdir(parents=True)
            (folder / "coverage").touch()
        main(["test", "--all", "--local"], context)
        assert [*parent.iterdir()] == [living]
        files = {call["environment"]["COVERAGE_FILE"] for call in python.calls}
        assert files == {str(parent / str(os.getpid()) / "coverage")}

    @pytest.mark.parametrize("options", ["--all -- -q", "--all -- --durations=50 -rA"])
    def test_harmless_pytest_options_keep_the_gate(
        self, python: FakePython, terminal: Terminal, options: str
    ) -> None:
        python.report = None
        assert main(["test", "--local", *options.split()], python.context(terminal)) == 1
        measuring = ["--cov", "--cov-report=", "-p", "control.testing.key_module_coverage_plugin"]
        assert python.pytest_options[-len(measuring) - len(options.split()) + 2 :] == [
            *measuring,
            *options.split()[2:],
        ]

    @pytest.mark.parametrize(
        "options",
        [
            *("", "--all --service tg_bot", "--all -- -k chat", "--all -- -kchat"),
            *("--all -- kit", "--all -- kit/vault.py::test", "--all -- --lf"),
        ],
    )
    def test_selected_tests_have_no_coverage_gate(
        self, python: FakePython, terminal: Terminal, options: str
    ) -> None:
        python.report = None
        assert main(["test", "--local", *options.split()], python.context(terminal)) == 0
        assert len(python.calls) == 1


def test_real_coverage_report_is_parsed(project: Path, output: io.StringIO) -> None:
    """One branch is missing, one file is empty, and one is never imported."""
    (project / "kit" / "vault.py").write_text("for x in (1,):\n    if x:\n        print(x)\n")
    command = (sys.executable, "-m", "coverage", "run", "--branch", "kit/vault.py")
    environ = os.environ | {"COVERAGE_FILE": str(project / "measured")}
    subprocess.run(command, cwd=project, env=environ, stdout=subprocess.DEVNULL, check=True)
    context = FakePython(project).context(Terminal(output, is_tty=False, colour=False))
    assert not coverage_gate.check_coverage(context, Path(sys.executable), environ)
    message = [line.split() for line in output.getvalue().splitlines()]
    assert message[1][:5] == ["vault", "100.0", "%", "75.0", "%"]
    assert ["kit/vault.py:2->1"] in message
    assert ["kit/queue/a.py:", "never", "imported"] in message
