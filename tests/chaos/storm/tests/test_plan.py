"""What a storm brings follows from its seed and its length."""

import pytest

from tests.chaos.storm.entry import Deeds
from tests.chaos.storm.ledger import Ledger
from tests.chaos.storm.message import FIRST_NUMBER, Heard, Said, text_of
from tests.chaos.storm.plan import SHORT, Plan
from tests.chaos.storm.report import most_told
from tests.chaos.storm.tests.samples import BEGUN


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


def test_a_stop_begins_early_enough_to_be_over_at_the_end() -> None:
    plan = Plan(minutes=1, pace=20, timings=SHORT)
    stops = [strike.at for strike in plan.strikes() if strike.blow == "stop"]

    assert max(stops) + SHORT.stop[0] <= plan.seconds


def test_few_may_be_told_that_there_is_no_answer() -> None:
    assert most_told(Ledger((Said(one, 1, "sum", BEGUN) for one in range(3000)), [], Deeds())) == 30
    assert most_told(Ledger((Said(one, 1, "sum", BEGUN) for one in range(60)), [], Deeds())) == 5


def test_every_message_bears_its_number_and_no_other() -> None:
    for kind in Plan.kinds:
        assert Heard(1, 1, 0, text_of(kind, FIRST_NUMBER)).number == FIRST_NUMBER
