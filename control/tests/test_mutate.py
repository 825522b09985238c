"""`mutate` without mutmut, whose files the tests write."""

import io
import json
from collections import Counter
from pathlib import Path

import pytest

from control.errors import ControlError
from control.mutation import report, results, survivors
from control.mutation.report import MutationScore
from control.mutation.results import Mutant, Verdict
from control.mutation.survivors import LIST_FILE, SurvivorList
from control.terminal import Terminal

PATH = Path("part/dice.py")
SOURCE = """\
from random import randint


class Die:
    sides = 6

    @staticmethod
    def is_low(value):
        # half of them
        return value < 4


async def roll(count):
    return count + 1
"""
MUTATED = """\
from random import randint


class Die:
    sides = 6

    # the trampoline is left out
    @staticmethod
    def xǁDieǁis_low__mutmut_orig(value):
        # half of them
        return value < 4
    @staticmethod
    def xǁDieǁis_low__mutmut_1(value):
        # half of them
        return value <= 4
    @staticmethod
    def xǁDieǁis_low__mutmut_2(value):
        # half of them
        return value < 5


async def x_roll__mutmut_orig(count):
    return count + 1


async def x_roll__mutmut_1(count):
    return count - 1
"""
SPANS = {
    "xǁDieǁis_low__mutmut_orig": [8, 11],
    "xǁDieǁis_low__mutmut_1": [12, 15],
    "xǁDieǁis_low__mutmut_2": [16, 19],
    "x_roll__mutmut_orig": [20, 23],
    "x_roll__mutmut_1": [24, 27],
}
CODES = {
    "part.dice.xǁDieǁis_low__mutmut_1": 0,
    "part.dice.xǁDieǁis_low__mutmut_2": 1,
    "part.dice.x_roll__mutmut_1": -24,
}
BOUNDARY_DIFF = ("- return value < 4", "+ return value <= 4")
LISTED = """
[[equivalent]]
module = "dice"
function = "Die.is_low"
diff = '''
-    return value < 4
+    return value <= 4
'''
reason = "No die shows a 4."
"""

TOLERATED = """
[[tolerated]]
removed = '^log\\.'
reason = "A log line is for people."
"""


@pytest.fixture
def working_folder(tmp_path: Path) -> Path:
    """A working folder that mutmut has left."""
    written = tmp_path / "mutants" / PATH
    written.parent.mkdir(parents=True)
    written.write_text(MUTATED)
    written.with_name("dice.py.spans").write_text(json.dumps({"version": 1, "spans": SPANS}))
    meta = {"exit_code_by_key": CODES, "durations_by_key": {}}
    written.with_name("dice.py.meta").write_text(json.dumps(meta))
    (tmp_path / PATH).parent.mkdir()
    (tmp_path / PATH).write_text(SOURCE)
    return tmp_path


def make_mutant(verdict: Verdict, diff: tuple[str, ...] = ("- a", "+ b"), code: int = 0) -> Mutant:
    return Mutant(PATH, 10, "Die.is_low", diff, verdict, code)


def write_list(home: Path, text: str) -> SurvivorList:
    (home / LIST_FILE).parent.mkdir(exist_ok=True)
    (home / LIST_FILE).write_text(text)
    return survivors.read(home, ["dice"])


def test_mutant_has_a_source_location(working_folder: Path) -> None:
    assert list(results.read_mutants(working_folder, PATH)) == [
        Mutant(PATH, 10, "Die.is_low", BOUNDARY_DIFF, Verdict.SURVIVED, 0),
        Mutant(
            PATH, 10, "Die.is_low", ("- return value < 4", "+ return value < 5"), Verdict.KILLED, 1
        ),
        Mutant(
            PATH, 14, "roll", ("- return count + 1", "+ return count - 1"), Verdict.TIMED_OUT, -24
        ),
    ]


def read_exit_codes(folder: Path) -> dict[str, int | None]:
    meta = (folder / "mutants" / "part" / "dice.py.meta").read_text()
    found: dict[str, int | None] = json.loads(meta)["exit_code_by_key"]
    return found


def test_only_killed_mutants_are_not_retested(working_folder: Path) -> None:
    killed = results.read_killed_names(working_folder, PATH)
    assert killed == ["part.dice.xǁDieǁis_low__mutmut_2"]
    results.reset_results(working_folder, PATH, killed)
    assert list(read_exit_codes(working_folder).values()) == [None, 1, None]
    results.reset_results(working_folder, PATH)
    assert list(read_exit_codes(working_folder).values()) == [None, None, None]


def test_truncated_results_file_is_discarded_with_its_mutants(working_folder: Path) -> None:
    meta = working_folder / "mutants" / "part" / "dice.py.meta"
    meta.write_text(meta.read_text()[:40])
    results.reset_results(working_folder, PATH)
    assert [path.name for path in meta.parent.iterdir()] == ["dice.py.spans"]
    results.reset_results(working_folder, PATH)


def test_score_is_the_share_of_killed_mutants(home: Path) -> None:
    mutants = [
        *(make_mutant(Verdict.KILLED) for _ in range(6)),
        make_mutant(Verdict.TIMED_OUT, code=-24),
        make_mutant(Verdict.NO_TESTS, code=33),
        make_mutant(Verdict.UNCLEAR, code=255),
        make_mutant(Verdict.SURVIVED, BOUNDARY_DIFF),
    ]
    score = MutationScore.from_mutants("dice", mutants, write_list(home, LISTED))
    assert score.percent == 70
    assert score.cells == ("10", "6", "1", "1", "1", "1", "1", "70.0 %")
    assert [mutant.verdict for mutant in score.unlisted] == [Verdict.NO_TESTS, Verdict.UNCLEAR]


@pytest.mark.parametrize(("killed", "is_enough"), [(84, False), (85, True)])
def test_module_needs_85_per_cent(home: Path, killed: int, is_enough: bool) -> None:
    mutants = [make_mutant(Verdict.KILLED)] * killed
    mutants += [make_mutant(Verdict.SURVIVED, BOUNDARY_DIFF)] * (100 - killed)
    reasons = write_list(home, LISTED * (100 - killed))
    assert MutationScore.from_mutants("dice", mutants, reasons).is_enough is is_enough


def test_each_survivor_needs_a_reason(home: Path) -> None:
    mutants = [*[make_mutant(Verdict.KILLED)] * 99, make_mutant(Verdict.SURVIVED)]
    assert not MutationScore.from_mutants("dice", mutants, SurvivorList(Counter())).is_enough


def test_module_without_mutants_passes() -> None:
    assert MutationScore.from_mutants("dice", [], SurvivorList(Counter())).is_enough


def test_each_list_entry_excuses_one_mutant_of_its_module(home: Path) -> None:
    twice = [make_mutant(Verdict.SURVIVED, BOUNDARY_DIFF)] * 2
    assert len(MutationScore.from_mutants("dice", twice, write_list(home, LISTED)).unlisted) == 1
    assert MutationScore.from_mutants("dice", twice, write_list(home, LISTED * 2)).unlisted == ()
    assert (
        len(MutationScore.from_mutants("cards", twice, write_list(home, LISTED * 2)).unlisted) == 2
    )


def test_mutants_of_a_tolerated_line_may_survive_in_each_module(home: Path) -> None:
    line = make_mutant(Verdict.SURVIVED, ('- log.info("cast", value=value)', "+ log.info(None)"))
    more = make_mutant(Verdict.SURVIVED, (*line.diff, "- return value"))
    score = MutationScore.from_mutants("cards", [line, more], write_list(home, TOLERATED))
    assert score.unlisted == (more,)


def test_listed_mutants_that_do_not_survive_are_reported(
    home: Path, terminal: Terminal, output: io.StringIO
) -> None:
    killed = make_mutant(Verdict.KILLED, BOUNDARY_DIFF)
    report.print_details(
        terminal, [MutationScore.from_mutants("dice", [killed], write_list(home, LISTED))]
    )
    assert "lists what does not survive: dice, Die.is_low: - return value < 4" in output.getvalue()


def test_missing_list_excuses_no_mutant(home: Path) -> None:
    assert survivors.read(home, ["dice"]) == SurvivorList(Counter())


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('reason = "No die shows a 4."', "", "equivalent entry 1: 'reason' is missing"),
        ('"No die shows a 4."', '" "', "equivalent entry 1: 'reason' is missing"),
        ("Die.is_low", "", "equivalent entry 1: 'function' is missing"),
        ('"dice"', '"cards"', "equivalent entry 1: there is no key module 'cards'"),
        ('"dice"', "dice", "Invalid value"),
        ("equivalent", "same", "there is no table 'same'; there are: equivalent, tolerated"),
        ("log\\", "(log", "tolerated entry 1: missing \\)"),
        ("removed", "line", "tolerated entry 1: 'removed' is missing"),
    ],
)
def test_invalid_list_is_refused(home: Path, before: str, after: str, message: str) -> None:
    with pytest.raises(ControlError, match=message):
        write_list(home, (LISTED + TOLERATED).replace(before, after))


def test_survivors_are_printed_with_location_and_diff(
    working_folder: Path, terminal: Terminal, output: io.StringIO
) -> None:
    score = MutationScore.from_mutants(
        "dice", results.read_mutants(working_folder, PATH), SurvivorList(Counter()), 12.34
    )
    report.print_header(terminal)
    report.print_score(terminal, score)
    report.print_details(terminal, [score])
    assert "66.7 %  12.3 s  below 85.0 %" in output.getvalue()
    place, *diff, _, last = output.getvalue().splitlines()[-5:]
    assert place == "part/dice.py:10 Die.is_low: survived"
    assert diff == ["    - return value < 4", "    + return value <= 4"]
    assert last.endswith(
        "dice: 1 mutants are neither killed nor listed with a reason in"
        " tests/mutation_survivors.toml"
    )


def test_unclear_results_do_not_count_and_are_reported(
    terminal: Terminal, output: io.StringIO
) -> None:
    strange = make_mutant(Verdict.UNCLEAR, code=255)
    report.print_details(
        terminal, [MutationScore.from_mutants("dice", [strange], SurvivorList(Counter()))]
    )
    assert "Die.is_low: unclear: its tests ended with 255" in output.getvalue()
