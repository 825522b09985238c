"""The plan of a storm follows from its seed and its length."""

import pytest

from tests.chaos.storm.message import FIRST_NUMBER, BotMessage, UserMessage, build_text
from tests.chaos.storm.message_record import EffectCounts
from tests.chaos.storm.plan import SHORT_TIMINGS, StormPlan
from tests.chaos.storm.report import get_max_failures
from tests.chaos.storm.tests.samples import START_TIME
from tests.chaos.storm.verifier import Verifier


def test_the_same_seed_gives_the_same_plan() -> None:
    plan = StormPlan(minutes=20, seed=7)

    assert plan.plan_messages() == StormPlan(minutes=20, seed=7).plan_messages()
    assert (
        plan.plan_faults()
        == StormPlan(minutes=20, seed=7).plan_faults()
        != StormPlan(20, 8).plan_faults()
    )
    assert len(plan.plan_messages()) == 3000
    assert {message.user_index for message in plan.plan_messages()} == set(range(40))


@pytest.mark.parametrize(
    ("kind", "least"), [("kill", 150), ("kill redis", 10), ("kill postgres", 5), ("stop", 20)]
)
def test_twenty_minutes_have_the_promised_number_of_faults(kind: str, least: int) -> None:
    assert sum(fault.kind == kind for fault in StormPlan().plan_faults()) >= least


def test_every_freeze_can_end_within_the_storm() -> None:
    plan = StormPlan(minutes=1, fault_rate=20, timings=SHORT_TIMINGS)
    starts = [fault.at_seconds for fault in plan.plan_faults() if fault.kind == "stop"]

    assert max(starts) + SHORT_TIMINGS.freeze_seconds[0] <= plan.seconds


@pytest.mark.parametrize(("message_count", "max_failures"), [(3000, 30), (60, 5)])
def test_one_percent_or_five_messages_may_fail(message_count: int, max_failures: int) -> None:
    sent = (UserMessage(number, 1, "sum", START_TIME) for number in range(message_count))

    assert get_max_failures(Verifier(sent, [], EffectCounts())) == max_failures


def test_every_message_contains_its_number_and_no_other() -> None:
    for kind in StormPlan.kinds:
        assert BotMessage(1, 1, 0, build_text(kind, FIRST_NUMBER)).number == FIRST_NUMBER
