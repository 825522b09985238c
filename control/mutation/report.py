"""The report on the tests of the key modules."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from control.mutation.results import Mutant, Verdict
from control.mutation.survivors import LIST_FILE, EquivalentMutant, SurvivorList
from control.terminal import Terminal, format_seconds

MIN_SCORE_PERCENT = 85.0
"""The percentage of the mutants of a key module that its tests must kill."""
_KILLED_VERDICTS = (Verdict.KILLED, Verdict.TIMED_OUT)
_HEADINGS = ("mutants", "killed", "time-outs", "survived", "no tests", "unclear", "listed", "score")


@dataclass(frozen=True)
class MutationScore:
    """The mutation score of one key module."""

    module: str
    counts: Counter[Verdict]
    """The number of mutants by verdict."""
    unlisted: tuple[Mutant, ...]
    """Survivors that are not in the list."""
    listed: int
    """The number of survivors that are in the list, each with a reason."""
    obsolete: tuple[EquivalentMutant, ...]
    """Entries of the list whose mutant was killed or does not exist."""
    duration: float
    """Seconds."""

    @classmethod
    def from_mutants(
        cls, module: str, mutants: Iterable[Mutant], entries: SurvivorList, duration: float = 0.0
    ) -> "MutationScore":
        found = list(mutants)
        survived = [mutant for mutant in found if mutant.verdict not in _KILLED_VERDICTS]
        unlisted, listed, obsolete = entries.partition(module, survived)
        counts = Counter(mutant.verdict for mutant in found)
        return cls(module, counts, tuple(unlisted), len(listed), tuple(obsolete), duration)

    @property
    def percent(self) -> float:
        """The percentage of killed mutants, listed ones not included. 100 if there are none."""
        killed = sum(self.counts[verdict] for verdict in _KILLED_VERDICTS)
        total = self.counts.total()
        return 100 * killed / total if total else 100.0

    @property
    def is_enough(self) -> bool:
        """Whether enough mutants are killed and each survivor has a reason."""
        return self.percent >= MIN_SCORE_PERCENT and not self.unlisted

    @property
    def cells(self) -> tuple[str, ...]:
        by_verdict = (str(self.counts[verdict]) for verdict in Verdict)
        return (str(self.counts.total()), *by_verdict, str(self.listed), f"{self.percent:.1f} %")


def print_header(terminal: Terminal) -> None:
    terminal.print_line(_format_row("key module", _HEADINGS))


def print_score(terminal: Terminal, score: MutationScore) -> None:
    sign = "" if score.percent >= MIN_SCORE_PERCENT else f"  below {MIN_SCORE_PERCENT} %"
    row = _format_row(score.module, score.cells)
    terminal.print_line(f"{row}  {format_seconds(score.duration)}{sign}")


def print_details(terminal: Terminal, scores: Iterable[MutationScore]) -> None:
    """Print the unlisted survivors and the obsolete entries of the list."""
    for score in scores:
        for mutant in score.unlisted:
            place = f"{mutant.path}:{mutant.line} {mutant.function}"
            terminal.print_line()
            terminal.print_line(f"{place}: {_describe_outcome(mutant)}")
            for changed in mutant.diff:
                terminal.print_line(f"    {changed}")
        if score.unlisted:
            terminal.print_line()
            terminal.print_warning(
                f"{score.module}: {len(score.unlisted)} mutants are neither killed nor listed"
                f" with a reason in {LIST_FILE}"
            )
        for entry in score.obsolete:
            name = f"{entry.module}, {entry.function}: {' '.join(entry.diff)}"
            terminal.print_warning(f"{LIST_FILE} lists what does not survive: {name}")


def _format_row(name: str, cells: Iterable[str]) -> str:
    return f"{name:<16}" + "".join(f"{cell:>10}" for cell in cells)


def _describe_outcome(mutant: Mutant) -> str:
    if mutant.verdict is not Verdict.UNCLEAR:
        return mutant.verdict
    if mutant.exit_code is None:
        return "not tested"
    return f"{mutant.verdict}: its tests ended with {mutant.exit_code}"
