"""A storm over the whole suite breaks no promise; its ledger catches a system that keeps none."""

from pathlib import Path

import pytest

from tests.chaos.storm.entry import Deeds
from tests.chaos.storm.ledger import Ledger
from tests.chaos.storm.message import FIRST_NUMBER, Heard, Said, text_of
from tests.chaos.storm.model import StormyModel
from tests.chaos.storm.naive import NaiveBot
from tests.chaos.storm.plan import Plan
from tests.chaos.storm.report import is_good, most_told, problems, table
from tests.chaos.storm.run import storm
from tests.chaos.storm.tests.samples import BEGUN
from tests.chaos.storm.whole_suite import WholeSuite


def test_a_seed_says_what_happens() -> None:
    plan = Plan(minutes=20, seed=7)

    assert plan.moments() == Plan(minutes=20, seed=7).moments()
    assert plan.strikes() == Plan(minutes=20, seed=7).strikes() != Plan(20, 8).strikes()
    assert len(plan.moments()) == 3000
    assert {moment.person for moment in plan.moments()} == set(range(40))


@pytest.mark.parametrize(
    ("blow", "least"), [("kill", 150), ("kill redis", 10), ("kill postgres", 5), ("stop", 20)]
)
def test_twenty_minutes_bring_as_much_as_is_promised(blow: str, least: int) -> None:
    assert sum(strike.blow == blow for strike in Plan().strikes()) >= least


def test_few_may_be_told_that_there_is_no_answer() -> None:
    assert most_told(Ledger((Said(one, 1, "sum", BEGUN) for one in range(3000)), [], Deeds())) == 30
    assert most_told(Ledger((Said(one, 1, "sum", BEGUN) for one in range(60)), [], Deeds())) == 5


def test_every_message_bears_its_number_and_no_other() -> None:
    for kind in Plan.kinds:
        assert Heard(1, 1, 0, text_of(kind, FIRST_NUMBER)).number == FIRST_NUMBER


@pytest.mark.e2e
def test_the_suite_survives_a_storm(tmp_path: Path) -> None:
    plan = Plan(minutes=0.7, seed=5, messages=120, chats=8)
    with StormyModel(plan.seed) as model:
        outcome = storm(WholeSuite(tmp_path / "suite", model.url), plan, model, tmp_path)

    assert is_good(outcome), f"{table(outcome)}\nThe evidence is in {tmp_path}"
    assert len(outcome.hits_of("kill")) >= 6
    assert outcome.hits_of("kill redis")
    assert outcome.hits_of("kill postgres")
    assert outcome.hits_of("stop")


@pytest.mark.e2e
def test_a_naive_bot_does_not(tmp_path: Path) -> None:
    plan = Plan(minutes=0.7, seed=5, messages=120, chats=8, kinds=NaiveBot.kinds)
    with StormyModel(plan.seed) as model:
        outcome = storm(NaiveBot(tmp_path / "suite", model.url), plan, model, tmp_path)

    assert problems(outcome)["lost"] > 0, table(outcome)
    assert problems(outcome)["out of order"] > 0, table(outcome)
