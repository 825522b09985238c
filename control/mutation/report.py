"""How good the tests of each key module are, for the operator."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from control.mutation import survivors
from control.mutation.results import Mutant, Verdict
from control.mutation.survivors import LIST, Equivalent
from control.terminal import Terminal, seconds

LEAST = 85.0
"""Per cent of the mutants of a key module that its tests have to notice."""
_NOTICED = (Verdict.KILLED, Verdict.TIMED_OUT)
_HEADINGS = ("mutants", "killed", "time-outs", "survived", "no tests", "unclear", "listed", "score")


@dataclass(frozen=True)
class Score:
    """Of one key module."""

    module: str
    counts: Counter[Verdict]
    """Of all mutants."""
    left: tuple[Mutant, ...]
    """Those that were not noticed and are not listed."""
    listed: int
    """So many were not noticed, and are listed with a reason."""
    obsolete: tuple[Equivalent, ...]
    """What is listed, but is noticed by now or does not exist."""
    duration: float
    """Seconds."""

    @classmethod
    def of(
        cls,
        module: str,
        mutants: Iterable[Mutant],
        listed: Counter[Equivalent],
        duration: float = 0.0,
    ) -> "Score":
        found = list(mutants)
        unnoticed = [mutant for mutant in found if mutant.verdict not in _NOTICED]
        left, excused, obsolete = survivors.split(module, unnoticed, listed)
        counts = Counter(mutant.verdict for mutant in found)
        return cls(module, counts, tuple(left), len(excused), tuple(obsolete), duration)

    @property
    def per_cent(self) -> float:
        """A module without anything to mutate is perfectly tested."""
        noticed = sum(self.counts[verdict] for verdict in _NOTICED)
        counted = noticed + len(self.left)
        return 100 * noticed / counted if counted else 100.0

    @property
    def is_enough(self) -> bool:
        return self.per_cent >= LEAST

    @property
    def cells(self) -> tuple[str, ...]:
        by_verdict = (str(self.counts[verdict]) for verdict in Verdict)
        return (str(self.counts.total()), *by_verdict, str(self.listed), f"{self.per_cent:.1f} %")


def head(terminal: Terminal) -> None:
    terminal.line(_row("key module", _HEADINGS))


def line(terminal: Terminal, score: Score) -> None:
    sign = "" if score.is_enough else f"  below {LEAST} %"
    row = _row(score.module, score.cells)
    terminal.line(f"{row}  {seconds(score.duration)}{sign}")


def details(terminal: Terminal, scores: Iterable[Score]) -> None:
    """What nobody noticed, and what the list says in vain."""
    for score in scores:
        for mutant in score.left:
            terminal.line()
            terminal.line(f"{mutant.path}:{mutant.line} {mutant.function}: {_outcome(mutant)}")
            for changed in mutant.diff:
                terminal.line(f"    {changed}")
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
