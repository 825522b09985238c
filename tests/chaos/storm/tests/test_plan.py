"""What a storm brings follows from its seed and its length."""

import pytest

from tests.chaos.storm.message import FIRST_NUMBER, BotMessage, UserMessage, build_text
from tests.chaos.storm.message_record import EffectCounts
from tests.chaos.storm.plan import SHORT_TIMINGS, StormPlan
from tests.chaos.storm.report import get_max_failures
from tests.chaos.storm.tests.samples import START_TIME
from tests.chaos.storm.verifier import Verifier


def test_a_seed_says_what_happens() -> None:
    plan = StormPlan(minutes=20, seed=7)

    assert plan.plan_messages() == StormPlan(minutes=20, seed=7).plan_messages()
    assert (
        plan.plan_faults()
        == StormPlan(minutes=20, seed=7).plan_faults()
        != StormPlan(20, 8).plan_faults()
    )
    assert len(plan.plan_messages()) == 3000
    assert {moment.user_index for moment in plan.plan_messages()} == set(range(40))


@pytest.mark.parametrize(
    ("kind", "least"), [("kill", 150), ("kill redis", 10), ("kill postgres", 5), ("stop", 20)]
)
def test_twenty_minutes_bring_as_much_as_is_promised(kind: str, least: int) -> None:
    assert sum(strike.kind == kind for strike in StormPlan().plan_faults()) >= least


def test_a_stop_begins_early_enough_to_be_over_at_the_end() -> None:
    plan = StormPlan(minutes=1, fault_rate=20, timings=SHORT_TIMINGS)
    freezer = [strike.at_seconds for strike in plan.plan_faults() if strike.kind == "stop"]

    assert max(freezer) + SHORT_TIMINGS.freeze_seconds[0] <= plan.seconds


def test_few_may_be_told_that_there_is_no_answer() -> None:
    assert (
        get_max_failures(
            Verifier(
                (UserMessage(one, 1, "sum", START_TIME) for one in range(3000)), [], EffectCounts()
            )
        )
        == 30
    )
    assert (
        get_max_failures(
            Verifier(
                (UserMessage(one, 1, "sum", START_TIME) for one in range(60)), [], EffectCounts()
            )
        )
        == 5
    )


def test_every_message_bears_its_number_and_no_other() -> None:
    for kind in StormPlan.kinds:
        assert BotMessage(1, 1, 0, build_text(kind, FIRST_NUMBER)).number == FIRST_NUMBER
