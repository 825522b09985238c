"""No promise is broken wherever cron_service dies between two of its side effects."""

import pytest

from tests.chaos.kill_points import KillPoint
from tests.chaos.kill_runs import check_names, deaths_of, run_with_crash
from tests.chaos.killable.crash_points import Side
from tests.chaos.killable.killable_suite import KillableSuite

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.mark.parametrize(("point", "side", "repeat", "at"), deaths_of("cron_service"))
def test_a_death_there_breaks_no_promise(
    killable: KillableSuite, point: KillPoint, side: Side, repeat: int, at: int
) -> None:
    run_with_crash(killable, point, side, repeat, at)


def test_no_side_effect_is_without_a_name_and_no_name_without_a_side_effect(
    killable: KillableSuite,
) -> None:
    check_names(killable, "cron_service")
