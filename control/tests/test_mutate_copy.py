"""`mutate` until mutmut begins: what is asked for, and the copy in which mutmut works."""

import subprocess
from pathlib import Path

import pytest

from control.cli import main
from control.context import Context
from control.errors import ControlError
from control.mutation.workplace import Workplace
from control.terminal import Terminal
from control.testing import key_modules
from control.testing.key_modules import KeyModule

PATH = Path("part/dice.py")
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
    ("words", "said"),
    [
        ("--module chess", "there is no key module 'chess'; there are: dice, cards"),
        ("--jobs 0", "a number of jobs is 1 or more, not '0'"),
    ],
)
def test_a_wrong_argument_is_told_before_anything_is_done(
    repository: Path,
    terminal: Terminal,
    words: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = set(repository.iterdir())
    context = Context(repository, repository / "manage.py", {}, terminal)
    assert main(["mutate", *words.split()], context) == 2
    assert capsys.readouterr().err.startswith(f"manage.py: {said}")
    assert set(repository.iterdir()) == before


def prepared(repository: Path, tmp_path: Path) -> Path:
    """The working folder, with results that mutmut has left; what follows may take them away."""
    folder = tmp_path / "dice"
    Workplace(folder, KeyModule("dice", (PATH,), ("part/tests",))).prepare(repository)
    return folder


def test_the_copy_has_the_module_apart_and_nothing_that_is_ignored(
    repository: Path, tmp_path: Path
) -> None:
    folder = prepared(repository, tmp_path)
    assert (folder / PATH).read_text() == SOURCE
    assert not (folder / "mutants" / PATH).exists(), "mutmut puts it there"
    assert (folder / "mutants/part/cards.py").exists()
    assert not (folder / "mutants/ignored").exists()
    settings = (folder / "setup.cfg").read_text()
    assert "source_paths =\n    part/dice.py\n" in settings
    assert "test_selection =\n    part/tests\n" in settings


def test_a_change_has_mutmut_look_anew_which_tests_run_what(
    repository: Path, tmp_path: Path
) -> None:
    stats = prepared(repository, tmp_path) / "mutants" / "mutmut-stats.json"
    stats.write_text("")
    prepared(repository, tmp_path)
    assert stats.exists(), "nothing has changed"

    (repository / "part/tests/test_dice.py").write_text("pass\n")
    prepared(repository, tmp_path)
    assert not stats.exists()


def test_what_is_gone_from_the_repository_goes_from_the_copy(
    repository: Path, tmp_path: Path
) -> None:
    copy = prepared(repository, tmp_path) / "mutants/part/tests/test_dice.py"
    assert copy.exists()
    (repository / "part/tests/test_dice.py").unlink()
    prepared(repository, tmp_path)
    assert not copy.exists()


def test_another_mutmut_begins_anew(repository: Path, tmp_path: Path) -> None:
    kept = prepared(repository, tmp_path) / "mutants" / "part" / "dice.py.meta"
    kept.write_text('{"exit_code_by_key": {}}')
    prepared(repository, tmp_path)
    assert kept.exists()
    (repository / "requirements-mutate.txt").write_text("mutmut==2\n")
    prepared(repository, tmp_path)
    assert not kept.exists()


def test_tests_are_those_of_the_part_unless_others_are_named(repository: Path) -> None:
    project = repository / "pyproject.toml"
    said = project.read_text()
    named = '[tool.smart-assistant.key-module-tests]\ncards = ["part/tests/test_dice.py"]\n'
    project.write_text(said + named)
    tests = {module.name: module.tests for module in key_modules.read(repository)}
    assert tests == {"dice": ("part/tests",), "cards": ("part/tests/test_dice.py",)}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('chess = ["part/tests"]', "tests are named for chess, which is no key module"),
        ('dice = ["part/test"]', "the tests 'part/test' of dice do not exist"),
    ],
)
def test_tests_that_do_not_exist_are_refused(repository: Path, line: str, said: str) -> None:
    with (repository / "pyproject.toml").open("a") as project:
        project.write(f"[tool.smart-assistant.key-module-tests]\n{line}\n")
    with pytest.raises(ControlError, match=said):
        list(key_modules.read(repository))
