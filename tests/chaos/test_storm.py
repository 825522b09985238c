"""A storm over the whole suite breaks no promise; its verifier catches a system that keeps none."""

from pathlib import Path

import pytest

from tests.chaos.storm.faulty_model import FaultyModel
from tests.chaos.storm.message import FIRST_NUMBER, BotMessage, UserMessage, text_of
from tests.chaos.storm.message_record import Effects
from tests.chaos.storm.naive_baseline import NaiveBot
from tests.chaos.storm.plan import Plan
from tests.chaos.storm.report import is_good, most_apologised, problems, table
from tests.chaos.storm.run import storm
from tests.chaos.storm.tests.samples import BEGUN
from tests.chaos.storm.verifier import Verifier
from tests.chaos.storm.whole_suite import WholeSuite


def test_a_seed_says_what_happens() -> None:
    plan = Plan(minutes=20, seed=7)

    assert plan.planned_messages() == Plan(minutes=20, seed=7).planned_messages()
    assert (
        plan.planned_faults()
        == Plan(minutes=20, seed=7).planned_faults()
        != Plan(20, 8).planned_faults()
    )
    assert len(plan.planned_messages()) == 3000
    assert {planned.person for planned in plan.planned_messages()} == set(range(40))


@pytest.mark.parametrize(
    ("kind", "least"), [("kill", 150), ("kill redis", 10), ("kill postgres", 5), ("stop", 20)]
)
def test_twenty_minutes_bring_as_much_as_is_promised(kind: str, least: int) -> None:
    assert sum(planned.kind == kind for planned in Plan().planned_faults()) >= least


def test_few_may_be_told_that_there_is_no_answer() -> None:
    assert (
        most_apologised(
            Verifier((UserMessage(one, 1, "sum", BEGUN) for one in range(3000)), [], Effects())
        )
        == 30
    )
    assert (
        most_apologised(
            Verifier((UserMessage(one, 1, "sum", BEGUN) for one in range(60)), [], Effects())
        )
        == 5
    )


def test_every_message_bears_its_number_and_no_other() -> None:
    for kind in Plan.kinds:
        assert BotMessage(1, 1, 0, text_of(kind, FIRST_NUMBER)).number == FIRST_NUMBER


@pytest.mark.e2e
def test_the_suite_survives_a_storm(tmp_path: Path) -> None:
    plan = Plan(minutes=0.7, seed=5, messages=120, chats=8)
    with FaultyModel(plan.seed) as model:
        outcome = storm(WholeSuite(tmp_path / "suite", model.url), plan, model, tmp_path)

    assert is_good(outcome), f"{table(outcome)}\nThe evidence is in {tmp_path}"
    assert len(outcome.fault_records_of("kill")) >= 6
    assert outcome.fault_records_of("kill redis")
    assert outcome.fault_records_of("kill postgres")
    assert outcome.fault_records_of("stop")


@pytest.mark.e2e
def test_a_naive_bot_does_not(tmp_path: Path) -> None:
    plan = Plan(minutes=0.7, seed=5, messages=120, chats=8, kinds=NaiveBot.kinds)
    with FaultyModel(plan.seed) as model:
        outcome = storm(NaiveBot(tmp_path / "suite", model.url), plan, model, tmp_path)

    assert problems(outcome)["lost"] > 0, table(outcome)
    assert problems(outcome)["out of order"] > 0, table(outcome)
