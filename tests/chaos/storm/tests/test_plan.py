"""What a storm brings follows from its seed and its length."""

import pytest

from tests.chaos.storm.message import FIRST_NUMBER, BotMessage, UserMessage, text_of
from tests.chaos.storm.message_record import Effects
from tests.chaos.storm.plan import SHORT, Plan
from tests.chaos.storm.report import most_apologised
from tests.chaos.storm.tests.samples import BEGUN
from tests.chaos.storm.verifier import Verifier


def test_a_seed_says_what_happens() -> None:
    plan = Plan(minutes=20, seed=7)

    assert plan.planned_messages() == Plan(minutes=20, seed=7).planned_messages()
    assert (
        plan.planned_faults()
        == Plan(minutes=20, seed=7).planned_faults()
        != Plan(20, 8).planned_faults()
    )
    assert len(plan.planned_messages()) == 3000
    assert {moment.person for moment in plan.planned_messages()} == set(range(40))


@pytest.mark.parametrize(
    ("kind", "least"), [("kill", 150), ("kill redis", 10), ("kill postgres", 5), ("stop", 20)]
)
def test_twenty_minutes_bring_as_much_as_is_promised(kind: str, least: int) -> None:
    assert sum(strike.kind == kind for strike in Plan().planned_faults()) >= least


def test_a_stop_begins_early_enough_to_be_over_at_the_end() -> None:
    plan = Plan(minutes=1, pace=20, timings=SHORT)
    freezer = [strike.at for strike in plan.planned_faults() if strike.kind == "stop"]

    assert max(freezer) + SHORT.stop[0] <= plan.seconds


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
