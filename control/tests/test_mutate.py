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
from control.mutation.survivors import LIST, Listed
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

TOLERATED = """
[[tolerated]]
removed = '^log\\.'
reason = "A log line is for people."
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


def listed(home: Path, text: str) -> Listed:
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


def test_all_are_tested_again_but_those_that_are_proved_to_be_killed(folder: Path) -> None:
    killed = results.killed(folder, PATH)
    assert killed == ["part.dice.xǁDieǁis_low__mutmut_2"]
    results.forget(folder, PATH, killed)
    assert list(codes(folder).values()) == [None, 1, None]
    results.forget(folder, PATH)
    assert list(codes(folder).values()) == [None, None, None]


def test_half_a_file_of_results_is_begun_anew_with_its_mutants(folder: Path) -> None:
    meta = folder / "mutants" / "part" / "dice.py.meta"
    meta.write_text(meta.read_text()[:40])
    results.forget(folder, PATH)
    assert [path.name for path in meta.parent.iterdir()] == ["dice.py.spans"]
    results.forget(folder, PATH)


def test_the_score_is_the_share_of_killed_mutants_among_all(home: Path) -> None:
    mutants = [
        *(mutant(Verdict.KILLED) for _ in range(6)),
        mutant(Verdict.TIMED_OUT, code=-24),
        mutant(Verdict.NO_TESTS, code=33),
        mutant(Verdict.UNCLEAR, code=255),
        mutant(Verdict.SURVIVED, AT_THE_EDGE),
    ]
    score = Score.of("dice", mutants, listed(home, LISTED))
    assert score.per_cent == 70
    assert score.cells == ("10", "6", "1", "1", "1", "1", "1", "70.0 %")
    assert [one.verdict for one in score.unlisted] == [Verdict.NO_TESTS, Verdict.UNCLEAR]


@pytest.mark.parametrize(("killed", "is_enough"), [(84, False), (85, True)])
def test_a_module_needs_85_per_cent(home: Path, killed: int, is_enough: bool) -> None:
    mutants = [mutant(Verdict.KILLED)] * killed
    mutants += [mutant(Verdict.SURVIVED, AT_THE_EDGE)] * (100 - killed)
    reasons = listed(home, LISTED * (100 - killed))
    assert Score.of("dice", mutants, reasons).is_enough is is_enough


def test_each_survivor_needs_a_reason(home: Path) -> None:
    mutants = [*[mutant(Verdict.KILLED)] * 99, mutant(Verdict.SURVIVED)]
    assert not Score.of("dice", mutants, Listed(Counter())).is_enough


def test_a_module_without_mutants_is_good_enough() -> None:
    assert Score.of("dice", [], Listed(Counter())).is_enough


def test_each_entry_of_the_list_excuses_one_mutant_of_its_module(home: Path) -> None:
    twice = [mutant(Verdict.SURVIVED, AT_THE_EDGE)] * 2
    assert len(Score.of("dice", twice, listed(home, LISTED)).unlisted) == 1
    assert Score.of("dice", twice, listed(home, LISTED * 2)).unlisted == ()
    assert len(Score.of("cards", twice, listed(home, LISTED * 2)).unlisted) == 2


def test_mutants_of_a_tolerated_line_may_survive_in_each_module(home: Path) -> None:
    line = mutant(Verdict.SURVIVED, ('- log.info("cast", value=value)', "+ log.info(None)"))
    more = mutant(Verdict.SURVIVED, (*line.diff, "- return value"))
    score = Score.of("cards", [line, more], listed(home, TOLERATED))
    assert score.unlisted == (more,)


def test_what_is_listed_but_does_not_survive_is_named(
    home: Path, terminal: Terminal, output: io.StringIO
) -> None:
    killed = mutant(Verdict.KILLED, AT_THE_EDGE)
    report.details(terminal, [Score.of("dice", [killed], listed(home, LISTED))])
    assert "lists what does not survive: dice, Die.is_low: - return value < 4" in output.getvalue()


def test_without_a_list_nothing_is_excused(home: Path) -> None:
    assert survivors.read(home, ["dice"]) == Listed(Counter())


@pytest.mark.parametrize(
    ("before", "after", "said"),
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
def test_a_list_that_is_wrong_is_refused(home: Path, before: str, after: str, said: str) -> None:
    with pytest.raises(ControlError, match=said):
        listed(home, (LISTED + TOLERATED).replace(before, after))


def test_survivors_are_told_with_their_place_and_their_fault(
    folder: Path, terminal: Terminal, output: io.StringIO
) -> None:
    score = Score.of("dice", results.read(folder, PATH), Listed(Counter()), 12.34)
    report.head(terminal)
    report.line(terminal, score)
    report.details(terminal, [score])
    assert "66.7 %  12.3 s  below 85.0 %" in output.getvalue()
    place, *diff, _, last = output.getvalue().splitlines()[-5:]
    assert place == "part/dice.py:10 Die.is_low: survived"
    assert diff == ["    - return value < 4", "    + return value <= 4"]
    assert last.endswith(
        "dice: 1 mutants are neither killed nor listed with a reason in"
        " tests/mutation_survivors.toml"
    )


def test_tests_that_end_strangely_prove_nothing_and_are_told(
    terminal: Terminal, output: io.StringIO
) -> None:
    strange = mutant(Verdict.UNCLEAR, code=255)
    report.details(terminal, [Score.of("dice", [strange], Listed(Counter()))])
    assert "Die.is_low: unclear: its tests ended with 255" in output.getvalue()
