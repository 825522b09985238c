"""The table of `bench`."""

import io
import json
from collections import Counter
from typing import Any

import pytest

from control.terminal import Terminal
from tests.load.figures import BARE, SUITE, ScenarioFigures
from tests.load.report import format_number, print_report

MACHINE = {
    "date": "2026-11-24",
    "commit": "abc1234",
    "cores": 2,
    "cpu": "CPU",
    "memory_mb": 1000,
    "python": "3.11.7",
    "load_before": 0.5,
    "load_after": 1.5,
    "postgres": "18.6",
    "valkey": "9.1",
}


def make_report(*cpu: tuple[float, float], lost: int = 0) -> dict[str, Any]:
    scenario = ScenarioFigures("known", "Known people.", 61.0)
    for suite, bare in cpu:
        scenario.record(SUITE, "CPU", "ms", suite)
        scenario.record(BARE, "CPU", "ms", bare)
        scenario.record(SUITE, "assistant", "ms", suite / 4, is_part=True)
    scenario.faults[SUITE] = Counter(lost=lost, duplicated=0)
    report = {"machine": MACHINE, "runs": len(cpu), "is_quick": len(cpu) == 1}
    report["scenarios"] = [scenario.to_json()]
    return dict(json.loads(json.dumps(report)))


def render(*reports: dict[str, Any]) -> list[str]:
    output = io.StringIO()
    print_report(Terminal(output, is_tty=False, colour=False), *reports)
    return output.getvalue().splitlines()


def test_table_has_medians_with_ranges_in_aligned_columns() -> None:
    machine, _, title, headings, total, part = render(make_report((10, 5), (14, 4), (12, 6)))
    assert machine.startswith("commit abc1234, 2026-11-24, 3 runs; 2 cores CPU, 1000 MB")
    assert title == "known: Known people. (61 s)"
    columns = ("12.0 [10.0–14.0]", "5.00 [4.00–6.00]", "2.00 [2.00–3.50]")
    assert total.split() == ["CPU", "ms", *" ".join(columns).split()]
    assert part.startswith("    assistant")
    assert len(headings) == len(total), "columns are aligned"


def test_comparison_shows_how_the_ratio_changed() -> None:
    lines = render(make_report((6, 4)), make_report((10, 5)))
    assert lines[1].startswith("before: commit abc1234, 2026-11-24, one quick run;")
    total, part = lines[-2:]
    assert total.split()[-2:] == ["2.00", "0.750"], "1.5 now, 2 before"
    assert part.split()[-2:] == ["2.50", "0.600"], "without a ratio, the value"


def test_figure_that_is_new_has_no_comparison() -> None:
    earlier = make_report((10, 5))
    earlier["scenarios"] = []
    assert render(make_report((6, 4)), earlier)[-1].split()[-2:] == ["-", "-"]


def test_faults_are_named_below_their_scenario() -> None:
    assert render(make_report((6, 4), lost=3))[-1] == "  suite: 3 lost"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.01234, "0.012"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12,346"),
     (0, "0"), (-5.25, "-5.25"), (float("nan"), "-")],
)  # fmt: skip
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert format_number(value) == text
