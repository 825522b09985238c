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
    """Per cent."""
    branches: float
    """Per cent."""
    missing: tuple[str, ...]
    """`file:line` for each line and `file:line->line` for each branch that no test has run."""

    @classmethod
    def from_report(cls, module: KeyModule, files: Mapping[str, Any]) -> "ModuleCoverage":
        """Convert a report of coverage.py, which may include files that were never imported."""
        found = {
            path: files[str(path)]
            for path in module.files
            if str(path) in files and _was_imported(files[str(path)]["summary"])
        }
        sums = [one["summary"] for one in found.values()]
        missing = [f"{path}: never imported" for path in module.files if path not in found]
        for path, one in found.items():
            missing += [f"{path}:{line}" for line in one["missing_lines"]]
            missing += [f"{path}:{start}->{end}" for start, end in one["missing_branches"]]
        return cls(
            module.name,
            _percentage(sums, "covered_lines", "num_statements"),
            _percentage(sums, "covered_branches", "num_branches"),
            tuple(missing),
        )

    @property
    def is_enough(self) -> bool:
        return min(self.lines, self.branches) >= MIN_COVERAGE_PERCENT and not any(
            "never imported" in one for one in self.missing
        )


def check_coverage(context: Context, python: Path, environ: Mapping[str, str]) -> bool:
    """Print the coverage of each key module after a run of pytest. Return whether it is
    sufficient."""
    command = (python, "-m", "coverage", "json", "--quiet", "-o", "-")
    report = subprocess.run(command, cwd=context.root, env=environ, stdout=subprocess.PIPE)
    if report.returncode:
        said = report.stdout.decode(errors="replace").strip()
        context.terminal.print_warning(f"there is no report of the coverage: {said}")
        return False
    files = json.loads(report.stdout)["files"]
    found = [ModuleCoverage.from_report(module, files) for module in key_modules.read(context.root)]
    context.terminal.print_line(f"{'key module':<20} {'lines':>8} {'branches':>9}")
    for one in found:
        sign = "" if one.is_enough else f"  below {MIN_COVERAGE_PERCENT} %"
        context.terminal.print_line(
            f"{one.name:<20} {one.lines:>6.1f} % {one.branches:>7.1f} %{sign}"
        )
        for place in () if one.is_enough else one.missing:
            context.terminal.print_line(f"    {place}")
    return all(one.is_enough for one in found)


def _was_imported(summary: Mapping[str, int]) -> bool:
    return bool(summary["covered_lines"] or not summary["num_statements"])


def _percentage(sums: list[Mapping[str, int]], done: str, whole: str) -> float:
    if not sums:  # none of its files was imported
        return 0.0
    total = sum(one[whole] for one in sums)
    return 100 * sum(one[done] for one in sums) / total if total else 100.0
