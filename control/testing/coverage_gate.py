"""The coverage of the key modules, and whether it is sufficient."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from control.context import Context
from control.testing import key_modules
from control.testing.key_modules import KeyModule

MIN_COVERAGE_PERCENT = 99.0
"""Per cent of the lines, and of the branches, of a key module."""


@dataclass(frozen=True)
class ModuleCoverage:
    """The coverage of one key module."""

    name: str
    lines: float
    branches: float
    missing: tuple[str, ...]
    """`file:line` for each line and `file:line->line` for each branch that no test has run."""

    @classmethod
    def from_report(cls, module: KeyModule, files: Mapping[str, Any]) -> "ModuleCoverage":
        """Convert a report of coverage.py, which may include files that were never imported."""
        sums, missing = list[Mapping[str, int]](), list[str]()
        for path in module.files:
            report = files.get(str(path))
            if not (report and _was_imported(report["summary"])):
                missing.append(f"{path}: never imported")
                continue
            sums.append(report["summary"])
            missing += [f"{path}:{line}" for line in report["missing_lines"]]
            missing += [f"{path}:{start}->{end}" for start, end in report["missing_branches"]]
        lines = _percentage(sums, "covered_lines", "num_statements")
        branches = _percentage(sums, "covered_branches", "num_branches")
        return cls(module.name, lines, branches, tuple(missing))

    @property
    def is_enough(self) -> bool:
        has_all_files = not any(place.endswith(": never imported") for place in self.missing)
        return min(self.lines, self.branches) >= MIN_COVERAGE_PERCENT and has_all_files


def check_coverage(context: Context, python: Path, environ: Mapping[str, str]) -> bool:
    """Print the coverage of each key module. Return whether it is sufficient."""
    command = (python, "-m", "coverage", "json", "--quiet", "-o", "-")
    report = subprocess.run(command, cwd=context.root, env=environ, stdout=subprocess.PIPE)
    if report.returncode:
        reason = report.stdout.decode(errors="replace").strip()
        context.terminal.print_warning(f"there is no report of the coverage: {reason}")
        return False
    files, say = json.loads(report.stdout)["files"], context.terminal.print_line
    found = [ModuleCoverage.from_report(module, files) for module in key_modules.read(context.root)]
    say(f"{'key module':<20} {'lines':>8} {'branches':>9}")
    for it in found:
        sign = "" if it.is_enough else f"  below {MIN_COVERAGE_PERCENT} %"
        say(f"{it.name:<20} {it.lines:>6.1f} % {it.branches:>7.1f} %{sign}")
        for place in () if it.is_enough else it.missing:
            say(f"    {place}")
    return all(it.is_enough for it in found)


def _was_imported(summary: Mapping[str, int]) -> bool:
    return bool(summary["covered_lines"] or not summary["num_statements"])


def _percentage(sums: list[Mapping[str, int]], done: str, whole: str) -> float:
    if not sums:  # none of its files was imported
        return 0.0
    total = sum(summary[whole] for summary in sums)
    return 100 * sum(summary[done] for summary in sums) / total if total else 100.0
