"""The file that `bench --json` writes, as far as `bench --compare` needs it before it measures."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from control.errors import UsageError

_KEYS = frozenset({"machine", "runs", "is_quick", "scenarios"})


def ensure_comparable(file: Path, names: Sequence[str]) -> None:
    """Raise UsageError unless the file is a report that has one of these scenarios."""
    if not file.is_file():
        raise UsageError(f"there is no file {file}")
    found = _read_scenario_names(file)
    if not found.intersection(names):
        has = ", ".join(sorted(found)) or "none"
        raise UsageError(
            f"{file} has no scenario in common with this run, so there is nothing to compare;"
            f" its scenarios: {has}"
        )


def _read_scenario_names(file: Path) -> set[str]:
    try:
        report = json.loads(file.read_text("utf-8"))
        if not report.keys() >= _KEYS:
            raise KeyError(*_KEYS - report.keys())
        return {_get_name(scenario) for scenario in report["scenarios"]}
    # ValueError: no JSON, or no UTF-8; the others: JSON of another shape
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise UsageError(f"{file} is not a report of bench --json") from None


def _get_name(scenario: dict[str, Any]) -> str:
    """Return the name of a scenario. Any error of a lookup says that it has another shape."""
    for figure in scenario["figures"]:
        figure["name"]
    return str(scenario["name"])
