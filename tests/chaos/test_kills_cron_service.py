"""No promise is broken if cron_service is killed between any two of its side effects."""

import pytest

from tests.chaos.kill_runs import Kill, assert_effect_names_complete, kill_params_for, run_with_kill
from tests.chaos.killable.killable_suite import KillableSuite

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.mark.parametrize("kill", kill_params_for("cron_service"))
def test_kill_at_point_breaks_no_promise(killable: KillableSuite, kill: Kill) -> None:
    run_with_kill(killable, kill)


def test_kill_points_match_the_side_effects(killable: KillableSuite) -> None:
    assert_effect_names_complete(killable, "cron_service")
