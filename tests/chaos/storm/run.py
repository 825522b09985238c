"""Random chaos over the whole suite, with a ledger.

    python -m tests.chaos.storm.run [--minutes 20] [--seed S] [--messages 3000] [--chats 40]

Prints the ledger as a table. The exit status is 1 where a promise was broken; then the evidence
stays, and the last line says where.
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
    """Start it, let the storm break over it, keep the evidence, and leave nothing running."""
    try:
        system.start()
        outcome = run_plan(system, plan, model, prelude)
        system.stop()
        save_evidence(outcome, system.suite, folder)
    finally:
        system.stop()
        system.suite.remove()
    return outcome


def main() -> int:
    """The exit status."""
    plan, is_naive = _parse_arguments()
    print(f"A storm of {plan.minutes:g} min, seed {plan.seed}; then all has to come to rest.")
    with run_folder.create_run_folder() as run, FaultyModel(plan.seed) as model:
        print(f"What it leaves is in {run.path}, and goes where all is well.", flush=True)
        run.is_retained = True
        made = NaiveBot if is_naive else WholeSuite
        outcome = run_storm(made(run.path / "suite", model.url), plan, model, run.path)
        run.is_retained = not has_passed(outcome)
    print(f"\n{render_table(outcome)}")
    if has_passed(outcome):
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
    given = parser.parse_args()
    if given.chats < 1:
        parser.error("nobody would write: --chats is 1 or more")
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    kinds = NaiveBot.kinds if given.naive else StormPlan.kinds
    return StormPlan(given.minutes, seed, given.messages, given.chats, kinds), given.naive


if __name__ == "__main__":
    sys.exit(main())
