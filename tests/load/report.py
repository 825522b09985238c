"""The report of a benchmark as a table for the terminal."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from control.terminal import BOLD, DIM, RED, Terminal
from tests.load.figures import BARE, SUITE, index_figures

Cells = tuple[str, ...]
_HEADINGS = ("", "unit", "suite", "bare bot", "suite / bare bot")
_COMPARISON_HEADINGS = ("before", "now / before")


def print_report(
    terminal: Terminal, report: Mapping[str, Any], earlier: dict[str, Any] | None = None
) -> None:
    """Print all figures: the median of the runs, and their range in brackets.

    With an earlier report, the last columns show its ratios and by what factor they have changed;
    for a figure that the bare bot does not have, the values themselves.
    """
    previous = index_figures(earlier) if earlier else None
    headings = _HEADINGS + (_COMPARISON_HEADINGS if previous is not None else ())
    blocks = [(scenario, list(_iter_rows(scenario, previous))) for scenario in report["scenarios"]]
    lines = [headings, *(row for _, rows in blocks for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    terminal.print_line(describe(report))
    if earlier:
        terminal.print_line(f"before: {describe(earlier)}")
    for scenario, rows in blocks:
        name = terminal.paint(scenario["name"], BOLD)
        terminal.print_line(f"\n{name}: {scenario['title']} ({scenario['seconds']:.0f} s)")
        terminal.print_line(terminal.paint(_format_line(headings, widths), DIM))
        for row in rows:
            terminal.print_line(_format_line(row, widths))
        for system, counts in scenario["faults"].items():
            if found := ", ".join(f"{count} {fault}" for fault, count in counts.items() if count):
                terminal.print_line(terminal.paint(f"  {system}: {found}", RED))


def describe(report: Mapping[str, Any]) -> str:
    """Return where and when the figures were measured."""
    machine = report["machine"]
    return (
        f"commit {machine['commit']}, {machine['date']}, {_format_runs(report)}; {machine['cores']}"
        f" cores {machine['cpu']}, {machine['memory_mb']} MB, load {machine['load_before']} before"
        f" and {machine['load_after']} after; Python {machine['python']}, PostgreSQL"
        f" {machine['postgres']}, Valkey {machine['valkey']}"
    )


def _format_runs(report: Mapping[str, Any]) -> str:
    return "one quick run" if report["is_quick"] else f"{report['runs']} runs"


def _iter_rows(
    scenario: Mapping[str, Any], previous: Mapping[tuple[str, str], Any] | None
) -> Iterator[Cells]:
    for figure in scenario["figures"]:
        indent = "    " if figure["is_part"] else "  "
        cells = (
            indent + figure["name"],
            figure["unit"],
            *(_format_series(figure.get(name)) for name in (SUITE, BARE, "ratio")),
        )
        if previous is None:
            yield cells
        else:
            before = previous.get((scenario["name"], figure["name"]), {})
            yield cells + _compare(figure, before)


def _compare(now: Mapping[str, Any], before: Mapping[str, Any]) -> Cells:
    """Compare ratios, which a slower machine does not change; without ratios, the values."""
    for series in ("ratio", SUITE, BARE):
        if series in now and series in before:
            old, new = before[series]["median"], now[series]["median"]
            factor = format_number(new / old) if old else "-"
            return format_number(old), factor
    return "-", "-"


def _format_series(series: Mapping[str, Any] | None) -> str:
    if series is None:
        return ""
    low, middle, high = (format_number(series[name]) for name in ("min", "median", "max"))
    return middle if low == high else f"{middle} [{low}–{high}]"


def format_number(value: float) -> str:
    """Return a number with three significant digits, never in scientific notation."""
    if not math.isfinite(value):
        return "-"
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:,.{min(max(digits, 0), 3)}f}"


def _format_line(cells: Cells, widths: list[int]) -> str:
    left = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
    right = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
    return "  ".join([*left, *right]).rstrip()
