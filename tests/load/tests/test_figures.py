"""Percentiles, medians and ratios."""

import math

import pytest

from tests.load.figures import BARE, SUITE, Figure, ScenarioFigures, index_figures, percentile


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1.0), (10, 1.0), (50, 5.0), (51, 6.0), (99, 10.0), (100, 10.0)]
)
def test_percentile_is_a_measured_value(percent: float, expected: float) -> None:
    assert percentile([float(number) for number in range(10, 0, -1)], percent) == expected


def test_percentile_of_nothing_is_not_a_number() -> None:
    assert math.isnan(percentile([], 50))


def test_each_run_has_its_own_ratio() -> None:
    """The machine's speed changes between runs, so the ratio of medians would mix them."""
    figure = Figure("CPU", "ms", values={SUITE: [10.0, 30.0], BARE: [5.0, 10.0]})
    assert figure.ratios == [2.0, 3.0]


@pytest.mark.parametrize("bare", [[], [0.0], [-1.0]])
def test_figure_without_a_positive_comparison_has_no_ratio(bare: list[float]) -> None:
    figure = Figure("CPU", "ms", values={SUITE: [10.0], BARE: bare})
    assert figure.ratios == []
    assert "ratio" not in figure.to_json()


def test_report_has_median_range_and_runs() -> None:
    scenario = ScenarioFigures("known", "Known people.")
    for suite, bare in ((10.0, 5.0), (14.0, 4.0), (12.0, 6.0)):
        scenario.record(SUITE, "CPU", "ms", suite)
        scenario.record(BARE, "CPU", "ms", bare)
    (figure,) = scenario.to_json()["figures"]
    assert figure["suite"] == {"median": 12.0, "min": 10.0, "max": 14.0, "runs": [10.0, 14.0, 12.0]}
    assert figure["ratio"]["runs"] == [2.0, 3.5, 2.0]


def test_figures_are_found_by_scenario_and_name() -> None:
    scenarios = []
    for name, value in (("known", 1.0), ("new", 2.0)):
        scenario = ScenarioFigures(name, "")
        scenario.record(SUITE, "CPU", "ms", value)
        scenarios.append(scenario.to_json())
    found = index_figures({"scenarios": scenarios})
    assert found["new", "CPU"]["suite"]["median"] == 2.0
