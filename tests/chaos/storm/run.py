"""Runs a storm: users send messages while random faults hit the whole suite.

    python -m tests.chaos.storm.run [--minutes 20] [--seed S] [--messages 3000] [--chats 40]

Prints a table of the outcome. If a promise was broken the exit status is 1, the evidence is kept,
and the last line of the output says where.
"""

import argparse
import secrets
import sys
from pathlib import Path

from smart_kit.testing import run_folder
from tests.chaos.storm.faulty_model import FaultyModel
from tests.chaos.storm.naive_baseline import NaiveBot
from tests.chaos.storm.plan import StormPlan
from tests.chaos.storm.report import has_passed, render_table, save_evidence
from tests.chaos.storm.storm import Prelude, StormResult, run_plan
from tests.chaos.storm.system_under_test import SystemUnderTest
from tests.chaos.storm.whole_suite import WholeSuite


def run_storm(
    system: SystemUnderTest,
    plan: StormPlan,
    model: FaultyModel,
    folder: Path,
    prelude: Prelude = lambda _: None,
) -> StormResult:
    """Start the system, run the storm, save the evidence, and remove the system."""
    try:
        system.start()
        result = run_plan(system, plan, model, prelude)
        system.stop()
        save_evidence(result, system.suite, folder)
    finally:
        system.stop()
        system.suite.remove()
    return result


def main() -> int:
    """Run a storm, and return the exit status."""
    plan, is_naive = _parse_arguments()
    print(f"Running a storm of {plan.minutes:g} min with seed {plan.seed}.")
    with run_folder.temporary_run_folder() as run, FaultyModel(plan.seed) as model:
        print(f"The evidence is in {run.path}; it is deleted if no promise is broken.", flush=True)
        run.is_retained = True
        system_class = NaiveBot if is_naive else WholeSuite
        system = system_class(run.path / "suite", model.url)
        result = run_storm(system, plan, model, run.path)
        run.is_retained = not has_passed(result)
    print(f"\n{render_table(result)}")
    if has_passed(result):
        return 0
    print(f"\nA promise was broken. The evidence is in {run.path}")
    return 1


def _parse_arguments() -> tuple[StormPlan, bool]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--chats", type=int, default=40)
    parser.add_argument("--naive", action="store_true", help="break a naive bot instead")
    options = parser.parse_args()
    if options.chats < 1:
        parser.error("--chats must be at least 1")
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    kinds = NaiveBot.kinds if options.naive else StormPlan.kinds
    plan = StormPlan(options.minutes, seed, options.messages, options.chats, kinds)
    return plan, options.naive


if __name__ == "__main__":
    sys.exit(main())
