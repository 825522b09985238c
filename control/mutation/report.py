"""How good the tests of each key module are, for the operator."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from control.mutation.results import Mutant, Verdict
from control.mutation.survivors import LIST, Equivalent, Listed
from control.terminal import Terminal, seconds

LEAST = 85.0
"""Per cent of all mutants of a key module that its tests have to kill."""
_KILLED = (Verdict.KILLED, Verdict.TIMED_OUT)
_HEADINGS = ("mutants", "killed", "time-outs", "survived", "no tests", "unclear", "listed", "score")


@dataclass(frozen=True)
class Score:
    """The mutation score of one key module."""

    module: str
    counts: Counter[Verdict]
    """How many of its mutants ended so."""
    unlisted: tuple[Mutant, ...]
    """Survivors without a reason in the list."""
    listed: int
    """The number of survivors that are listed with a reason."""
    obsolete: tuple[Equivalent, ...]
    """Entries of the list whose mutant is killed by now or does not exist."""
    duration: float
    """Seconds."""

    @classmethod
    def of(
        cls,
        module: str,
        mutants: Iterable[Mutant],
        listed: Listed,
        duration: float = 0.0,
    ) -> "Score":
        found = list(mutants)
        survived = [mutant for mutant in found if mutant.verdict not in _KILLED]
        unlisted, excused, obsolete = listed.split(module, survived)
        counts = Counter(mutant.verdict for mutant in found)
        return cls(module, counts, tuple(unlisted), len(excused), tuple(obsolete), duration)

    @property
    def per_cent(self) -> float:
        """The share of killed mutants; a listed one is not killed. 100 where there are none."""
        killed = sum(self.counts[verdict] for verdict in _KILLED)
        total = self.counts.total()
        return 100 * killed / total if total else 100.0

    @property
    def is_enough(self) -> bool:
        """Whether enough mutants are killed and each survivor has a reason."""
        return self.per_cent >= LEAST and not self.unlisted

    @property
    def cells(self) -> tuple[str, ...]:
        by_verdict = (str(self.counts[verdict]) for verdict in Verdict)
        return (str(self.counts.total()), *by_verdict, str(self.listed), f"{self.per_cent:.1f} %")


def head(terminal: Terminal) -> None:
    terminal.line(_row("key module", _HEADINGS))


def line(terminal: Terminal, score: Score) -> None:
    sign = "" if score.per_cent >= LEAST else f"  below {LEAST} %"
    row = _row(score.module, score.cells)
    terminal.line(f"{row}  {seconds(score.duration)}{sign}")


def details(terminal: Terminal, scores: Iterable[Score]) -> None:
    """Name the survivors that are not listed, and the entries of the list without a survivor."""
    for score in scores:
        for mutant in score.unlisted:
            terminal.line()
            terminal.line(f"{mutant.path}:{mutant.line} {mutant.function}: {_outcome(mutant)}")
            for changed in mutant.diff:
                terminal.line(f"    {changed}")
        if score.unlisted:
            terminal.line()
            terminal.warn(
                f"{score.module}: {len(score.unlisted)} mutants are neither killed nor listed"
                f" with a reason in {LIST}"
            )
        for one in score.obsolete:
            terminal.warn(f"{LIST} lists what does not survive: {_named(one)}")


def _row(name: str, cells: Iterable[str]) -> str:
    return f"{name:<16}" + "".join(f"{cell:>10}" for cell in cells)


def _outcome(mutant: Mutant) -> str:
    if mutant.verdict is not Verdict.UNCLEAR:
        return mutant.verdict
    if mutant.code is None:
        return "not tested"
    return f"{mutant.verdict}: its tests ended with {mutant.code}"


def _named(one: Equivalent) -> str:
    return f"{one.module}, {one.function}: {' '.join(one.diff)}"
