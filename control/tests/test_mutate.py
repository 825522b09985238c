"""`mutate`, without mutmut: its files are written by hand."""

import io
import json
from collections import Counter
from pathlib import Path

import pytest

from control.errors import ControlError
from control.mutation import report, results, survivors
from control.mutation.report import Score
from control.mutation.results import Mutant, Verdict
from control.mutation.survivors import LIST, Equivalent
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
AT_THE_EDGE = ("- return value < 4", "+ return value <= 4")
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
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


def mutant(verdict: Verdict, diff: tuple[str, ...] = ("- a", "+ b"), code: int = 0) -> Mutant:
    return Mutant(PATH, 10, "Die.is_low", diff, verdict, code)


def listed(home: Path, text: str) -> Counter[Equivalent]:
    (home / LIST).parent.mkdir(exist_ok=True)
    (home / LIST).write_text(text)
    return survivors.read(home, ["dice"])


def test_a_mutant_is_told_with_its_place_in_the_source(folder: Path) -> None:
    assert list(results.read(folder, PATH)) == [
        Mutant(PATH, 10, "Die.is_low", AT_THE_EDGE, Verdict.SURVIVED, 0),
        Mutant(
            PATH, 10, "Die.is_low", ("- return value < 4", "+ return value < 5"), Verdict.KILLED, 1
        ),
        Mutant(
            PATH, 14, "roll", ("- return count + 1", "+ return count - 1"), Verdict.TIMED_OUT, -24
        ),
    ]


def codes(folder: Path) -> dict[str, int | None]:
    meta = (folder / "mutants" / "part" / "dice.py.meta").read_text()
    found: dict[str, int | None] = json.loads(meta)["exit_code_by_key"]
    return found


def test_what_survived_is_tested_again_and_what_was_noticed_is_not(folder: Path) -> None:
    results.forget_all_but_proofs(folder, PATH)
    assert list(codes(folder).values()) == [None, 1, -24]


def test_half_a_file_of_results_is_begun_anew_with_its_mutants(folder: Path) -> None:
    meta = folder / "mutants" / "part" / "dice.py.meta"
    meta.write_text(meta.read_text()[:40])
    results.forget_all_but_proofs(folder, PATH)
    assert [path.name for path in meta.parent.iterdir()] == ["dice.py.spans"]
    results.forget_all_but_proofs(folder, PATH)


def test_the_score_counts_what_was_noticed_among_what_is_not_listed(home: Path) -> None:
    mutants = [
        *(mutant(Verdict.KILLED) for _ in range(7)),
        mutant(Verdict.TIMED_OUT, code=-24),
        mutant(Verdict.NO_TESTS, code=33),
        mutant(Verdict.UNCLEAR, code=255),
        mutant(Verdict.SURVIVED, AT_THE_EDGE),
    ]
    score = Score.of("dice", mutants, listed(home, LISTED))
    assert score.per_cent == 80
    assert score.cells == ("11", "7", "1", "1", "1", "1", "1", "80.0 %")
    assert not score.is_enough
    assert [one.verdict for one in score.left] == [Verdict.NO_TESTS, Verdict.UNCLEAR]


@pytest.mark.parametrize(("killed", "is_enough"), [(84, False), (85, True)])
def test_a_module_needs_85_per_cent(killed: int, is_enough: bool) -> None:
    mutants = [
        mutant(Verdict.KILLED if number < killed else Verdict.SURVIVED) for number in range(100)
    ]
    assert Score.of("dice", mutants, Counter()).is_enough is is_enough


def test_a_module_without_mutants_is_good_enough() -> None:
    assert Score.of("dice", [], Counter()).is_enough


def test_each_entry_of_the_list_excuses_one_mutant_of_its_module(home: Path) -> None:
    twice = [mutant(Verdict.SURVIVED, AT_THE_EDGE)] * 2
    assert len(Score.of("dice", twice, listed(home, LISTED)).left) == 1
    assert Score.of("dice", twice, listed(home, LISTED * 2)).left == ()
    assert len(Score.of("cards", twice, listed(home, LISTED * 2)).left) == 2


def test_what_is_listed_but_does_not_survive_is_named(
    home: Path, terminal: Terminal, output: io.StringIO
) -> None:
    killed = mutant(Verdict.KILLED, AT_THE_EDGE)
    report.details(terminal, [Score.of("dice", [killed], listed(home, LISTED))])
    assert "lists what does not survive: dice, Die.is_low: - return value < 4" in output.getvalue()


def test_without_a_list_nothing_is_excused(home: Path) -> None:
    assert survivors.read(home, ["dice"]) == Counter()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('reason = "No die shows a 4."', "", "the reason of entry 1 is missing"),
        ('"No die shows a 4."', '" "', "the reason of entry 1 is missing"),
        ("Die.is_low", "", "the function of entry 1 is missing"),
        ('"dice"', '"cards"', "entry 1: there is no key module 'cards'"),
        ('"dice"', "dice", "Invalid value"),
    ],
)
def test_a_list_that_is_wrong_is_refused(home: Path, before: str, after: str, said: str) -> None:
    with pytest.raises(ControlError, match=said):
        listed(home, LISTED.replace(before, after))


def test_survivors_are_told_with_their_place_and_their_fault(
    folder: Path, terminal: Terminal, output: io.StringIO
) -> None:
    score = Score.of("dice", results.read(folder, PATH), Counter(), 12.34)
    report.head(terminal)
    report.line(terminal, score)
    report.details(terminal, [score])
    assert "66.7 %  12.3 s  below 85.0 %" in output.getvalue()
    place, *diff = output.getvalue().splitlines()[-3:]
    assert place == "part/dice.py:10 Die.is_low: survived"
    assert diff == ["    - return value < 4", "    + return value <= 4"]


def test_tests_that_end_strangely_prove_nothing_and_are_told(
    terminal: Terminal, output: io.StringIO
) -> None:
    strange = mutant(Verdict.UNCLEAR, code=255)
    report.details(terminal, [Score.of("dice", [strange], Counter())])
    assert "Die.is_low: unclear: its tests ended with 255" in output.getvalue()
