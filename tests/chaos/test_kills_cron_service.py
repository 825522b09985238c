"""No promise is broken wherever cron_service dies between two of its side effects."""

import pytest

from tests.chaos.kill_points import KillPoint
from tests.chaos.kill_runs import assert_effect_names_complete, kill_params_for, run_with_crash
from tests.chaos.killable.crash_points import Side
from tests.chaos.killable.killable_suite import KillableSuite

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.mark.parametrize(("point", "side", "repeat", "at"), kill_params_for("cron_service"))
def test_kill_at_point_breaks_no_promise(
    killable: KillableSuite, point: KillPoint, side: Side, repeat: int, at: int
) -> None:
    run_with_crash(killable, point, side, repeat, at)


def test_kill_points_match_the_side_effects(
    killable: KillableSuite,
) -> None:
    assert_effect_names_complete(killable, "cron_service")
