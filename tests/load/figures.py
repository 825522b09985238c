"""Figures of several runs: medians, ranges, percentiles, and ratios of suite and bare bot."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

SUITE, BARE = "suite", "bare"


@dataclass
class Figure:
    """One measured quantity, with a value for each run."""

    name: str
    unit: str
    is_part: bool = False
    """Whether it is a part of the figure above it."""
    values: dict[str, list[float]] = field(default_factory=dict)
    """By system: `suite` or `bare`."""

    @property
    def ratios(self) -> list[float]:
        """Suite / bare bot of each run; empty if only one of them has the figure."""
        pairs = zip(self.values.get(SUITE, ()), self.values.get(BARE, ()), strict=False)
        return [suite / bare for suite, bare in pairs if bare > 0]

    def to_json(self) -> dict[str, Any]:
        series = self.values | ({"ratio": self.ratios} if self.ratios else {})
        return {"name": self.name, "unit": self.unit, "is_part": self.is_part} | {
            name: {"median": median(runs), "min": min(runs), "max": max(runs), "runs": runs}
            for name, runs in series.items()
            if runs
        }


@dataclass
class ScenarioFigures:
    """The figures of one scenario, in the order in which they were first recorded."""

    name: str
    title: str
    seconds: float = 0.0
    """How long all runs took."""
    figures: dict[str, Figure] = field(default_factory=dict)
    faults: dict[str, Counter[str]] = field(default_factory=dict)
    """By system: the number of lost, duplicated, reordered and misdirected answers of all loads."""

    def record(
        self, system: str, name: str, unit: str, value: float, *, is_part: bool = False
    ) -> None:
        """Add the value of one run."""
        figure = self.figures.setdefault(name, Figure(name, unit, is_part))
        figure.values.setdefault(system, []).append(value)

    def to_json(self) -> dict[str, Any]:
        figures = [figure.to_json() for figure in self.figures.values()]
        return {
            "name": self.name,
            "title": self.title,
            "seconds": round(self.seconds, 1),
            "figures": figures,
            "faults": {system: dict(counts) for system, counts in self.faults.items()},
        }


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` % do not exceed; nan without values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(math.ceil(percent / 100 * len(ordered)), 1) - 1]


def index_figures(report: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the figures of a JSON report by scenario and name."""
    return {
        (scenario["name"], figure["name"]): figure
        for scenario in report["scenarios"]
        for figure in scenario["figures"]
    }
