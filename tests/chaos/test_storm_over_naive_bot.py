"""The ledger of a storm catches a system that keeps no promise."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.storm.faulty_model import FaultyModel
from tests.chaos.storm.naive_baseline import NaiveBot
from tests.chaos.storm.plan import BRIEF
from tests.chaos.storm.report import problems, table
from tests.chaos.storm.run import storm

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_naive_bot_does_not_survive_the_same_storm(tmp_path: Path) -> None:
    plan = replace(BRIEF, kinds=NaiveBot.kinds)
    with FaultyModel(plan.seed) as model:
        outcome = storm(NaiveBot(tmp_path / "suite", model.url), plan, model, tmp_path)

    assert problems(outcome)["lost"] > 0, table(outcome)
    assert problems(outcome)["out of order"] > 0, table(outcome)
