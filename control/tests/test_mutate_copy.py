"""`mutate` before mutmut starts: its options, and the copy in which mutmut works."""

import json
import subprocess
from pathlib import Path

import pytest

from control.cli import main
from control.context import Context
from control.errors import ControlError
from control.mutation.results import Verdict
from control.mutation.working_copy import WorkingCopy
from control.terminal import Terminal
from control.testing import key_modules
from control.testing.key_modules import KeyModule

pytestmark = pytest.mark.local  # the image for tests has no git

PATH = Path("part/dice.py")
DICE = KeyModule("dice", (PATH,), ("part/tests",))
SOURCE = "def is_low(value):\n    return value < 4\n"


@pytest.fixture
def repository(home: Path) -> Path:
    """A clone with two key modules."""
    for name, text in {
        "pyproject.toml": '[tool.smart-assistant.key-modules]\ndice = ["part/dice.py"]\n'
        'cards = ["part/cards.py"]\n',
        "requirements-mutate.txt": "mutmut==1\n",
        ".gitignore": "ignored\n",
        "part/dice.py": SOURCE,
        "part/cards.py": "",
        "part/tests/test_dice.py": "",
        "ignored": "",
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    subprocess.run(("git", "init", "--quiet"), cwd=home, check=True)
    return home


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        ("--module chess", "there is no key module 'chess'; there are: dice, cards"),
        ("--jobs 0", "a number of jobs is 1 or more, not '0'"),
    ],
)
def test_invalid_arguments_are_reported_before_any_action(
    repository: Path,
    terminal: Terminal,
    arguments: str,
    output: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = set(repository.iterdir())
    context = Context(repository, repository / "manage.py", {}, terminal)
    assert main(["mutate", *arguments.split()], context) == 2
    assert capsys.readouterr().err.startswith(f"manage.py: {output}")
    assert set(repository.iterdir()) == before


def prepare_copy(repository: Path, tmp_path: Path) -> Path:
    """Return the working folder with results of mutmut, which the next step may delete."""
    folder = tmp_path / "dice"
    WorkingCopy(folder, DICE).prepare(repository)
    return folder


def test_copy_contains_the_module_and_no_ignored_files(repository: Path, tmp_path: Path) -> None:
    folder = prepare_copy(repository, tmp_path)
    assert (folder / PATH).read_text() == SOURCE
    assert not (folder / "mutants" / PATH).exists(), "mutmut puts it there"
    assert (folder / "mutants/part/cards.py").exists()
    assert not (folder / "mutants/ignored").exists()
    settings = (folder / "setup.cfg").read_text()
    assert "source_paths =\n    part/dice.py\n" in settings
    assert "test_selection =\n    part/tests\n" in settings


def test_change_resets_the_statistics_of_mutmut(repository: Path, tmp_path: Path) -> None:
    stats = prepare_copy(repository, tmp_path) / "mutants" / "mutmut-stats.json"
    stats.write_text("")
    prepare_copy(repository, tmp_path)
    assert stats.exists(), "nothing has changed"

    (repository / "part/tests/test_dice.py").write_text("pass\n")
    prepare_copy(repository, tmp_path)
    assert not stats.exists()


def write_results(folder: Path, codes: dict[str, int]) -> Path:
    """Write result files as mutmut does."""
    written = folder / "mutants" / PATH
    written.write_text("def x_is_low__mutmut_orig():\n    pass\n")
    span = {f"x_is_low__mutmut_{number}": [1, 2] for number in ("orig", 1, 2)}
    written.with_name("dice.py.spans").write_text(json.dumps({"spans": span}))
    meta = written.with_name("dice.py.meta")
    meta.write_text(json.dumps({"exit_code_by_key": codes}))
    return meta


def test_only_mutants_killed_in_a_successful_run_are_skipped(
    repository: Path, tmp_path: Path
) -> None:
    first, second = "part.dice.x_is_low__mutmut_1", "part.dice.x_is_low__mutmut_2"

    def known(*, only_survivors: bool) -> list[int | None]:
        copy.prepare(repository, only_survivors=only_survivors)
        codes: dict[str, int | None] = json.loads(meta.read_text())["exit_code_by_key"]
        return [codes[first], codes[second]]

    copy = WorkingCopy(prepare_copy(repository, tmp_path), DICE)
    meta = write_results(copy.folder, {first: 1, second: 0})
    assert [mutant.verdict for mutant in copy.collect_results()] == [
        Verdict.KILLED,
        Verdict.SURVIVED,
    ]
    write_results(copy.folder, {first: 1, second: 1})  # by an interrupted run
    assert known(only_survivors=True) == [1, None]
    assert known(only_survivors=False) == [None, None]


def test_files_deleted_in_the_repository_leave_the_copy(repository: Path, tmp_path: Path) -> None:
    copy = prepare_copy(repository, tmp_path) / "mutants/part/tests/test_dice.py"
    assert copy.exists()
    (repository / "part/tests/test_dice.py").unlink()
    prepare_copy(repository, tmp_path)
    assert not copy.exists()


def test_another_mutmut_version_starts_from_scratch(repository: Path, tmp_path: Path) -> None:
    results_file = prepare_copy(repository, tmp_path) / "mutants" / "part" / "dice.py.meta"
    results_file.write_text('{"exit_code_by_key": {}}')
    prepare_copy(repository, tmp_path)
    assert results_file.exists()
    (repository / "requirements-mutate.txt").write_text("mutmut==2\n")
    prepare_copy(repository, tmp_path)
    assert not results_file.exists()


def test_tests_default_to_those_of_the_part(repository: Path) -> None:
    project = repository / "pyproject.toml"
    output = project.read_text()
    named = '[tool.smart-assistant.key-module-tests]\ncards = ["part/tests/test_dice.py"]\n'
    project.write_text(output + named)
    tests = {module.name: module.tests for module in key_modules.read(repository)}
    assert tests == {"dice": ("part/tests",), "cards": ("part/tests/test_dice.py",)}


@pytest.mark.parametrize(
    ("line", "output"),
    [
        ('chess = ["part/tests"]', "tests are named for chess, which is no key module"),
        ('dice = ["part/test"]', "the tests 'part/test' of dice do not exist"),
    ],
)
def test_tests_that_do_not_exist_are_refused(repository: Path, line: str, output: str) -> None:
    with (repository / "pyproject.toml").open("a") as project:
        project.write(f"[tool.smart-assistant.key-module-tests]\n{line}\n")
    with pytest.raises(ControlError, match=output):
        list(key_modules.read(repository))
