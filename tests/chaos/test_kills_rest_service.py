"""No promise is broken wherever rest_service dies between two of its side effects."""

import pytest

from tests.chaos.kill_points import FIRST_START, KillPoint
from tests.chaos.kill_runs import check_names, deaths_of, run_with_crash
from tests.chaos.killable.crash_points import Side
from tests.chaos.killable.killable_suite import KillableSuite, died_at

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_first_start_that_dies_makes_one_set_of_defaults(killable: KillableSuite) -> None:
    assert died_at(killable.passed())[:2] == [f"before {FIRST_START}", f"after {FIRST_START}"]
    assert sorted(killable.first_names["assistants"]) == ["Secretary", "Writer"]
    assert len(killable.first_names["providers"]) == 1


@pytest.mark.parametrize(("point", "side", "repeat", "at"), deaths_of("rest_service"))
def test_a_death_there_breaks_no_promise(
    killable: KillableSuite, point: KillPoint, side: Side, repeat: int, at: int
) -> None:
    run_with_crash(killable, point, side, repeat, at)


def test_no_side_effect_is_without_a_name_and_no_name_without_a_side_effect(
    killable: KillableSuite,
) -> None:
    check_names(killable, "rest_service")
