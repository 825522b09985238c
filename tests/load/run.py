"""Runs the scenarios of `./manage.py bench`.

    python -m tests.load.run --bare-python PYTHON [--runs N] [--quick] [--minutes N]
                             [--json FILE] [--compare FILE] [SCENARIO ...]

`--bare-python` is an interpreter with aiogram and openai.
"""

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from control import benchmark_scenarios
from control.terminal import Terminal
from smart_kit.testing import run_folder
from tests.load import machine
from tests.load.bench import Bench
from tests.load.figures import ScenarioFigures
from tests.load.report import print_report
from tests.load.scenarios.table import SCENARIOS

_ECHO_BOT = Path(__file__).with_name("echo_bot.py")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the scenarios, print and write the report, and return the exit status."""
    options = _parse_arguments(argv)
    earlier = json.loads(options.compare.read_text()) if options.compare else None
    terminal = Terminal.from_stream()
    with run_folder.temporary_run_folder() as run:
        bench = Bench(
            run.path,
            (options.bare_python, _ECHO_BOT),
            runs=options.runs,
            is_quick=options.quick,
            minutes=options.minutes,
        )
        report = run_scenarios(bench, options.scenarios or benchmark_scenarios.DEFAULT, terminal)
    try:
        print_report(terminal, report, earlier)
    finally:  # what took minutes to measure is not lost if the output is closed
        is_written = not options.json or _write_report(options.json, report, terminal)
    has_faults = any(sum(one["faults"].get("suite", {}).values()) for one in report["scenarios"])
    return 1 if has_faults or report["failed"] or not is_written else 0


def _write_report(file: Path, report: dict[str, Any], terminal: Terminal) -> bool:
    """Write the report, and return whether that worked."""
    try:
        file.write_text(json.dumps(report, indent=1) + "\n")
    except OSError as error:
        terminal.print_failure("report", f"cannot write {file}: {error.strerror}")
        return False
    return True


def run_scenarios(bench: Bench, names: Sequence[str], terminal: Terminal) -> dict[str, Any]:
    """Run scenarios one after the other, and return the report."""
    facts = machine.describe_machine()
    begin = time.monotonic()
    with bench:
        facts |= machine.describe_databases(bench.suite.suite)
        scenarios, failed = run_each(bench, names, terminal)
    return {
        "machine": facts | {"load_after": round(os.getloadavg()[0], 2)},
        "runs": bench.runs,
        "is_quick": bench.is_quick,
        "seconds": round(time.monotonic() - begin, 1),
        "scenarios": scenarios,
        "failed": failed,
    }


def run_each(
    bench: Bench, names: Sequence[str], terminal: Terminal
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the figures of the scenarios, and the names of those that failed."""
    scenarios, failed = list[dict[str, Any]](), list[str]()
    for name in names:
        try:
            with terminal.step(name):
                scenarios.append(_run_scenario(bench, name))
        except Exception as error:  # the figures of the others took minutes
            traceback.print_exc()
            terminal.print_failure(name, f"{type(error).__name__}: {error}")
            failed.append(name)
    return scenarios, failed


def _run_scenario(bench: Bench, name: str) -> dict[str, Any]:
    function = SCENARIOS[name]
    bench.figures = ScenarioFigures(name, (function.__doc__ or "").strip())
    begin = time.monotonic()
    function(bench)
    bench.figures.seconds = time.monotonic() - begin
    return bench.figures.to_json()


def _parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    parser.add_argument("--bare-python", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--compare", type=Path)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
