"""No promise is broken if rest_service is killed between any two of its side effects."""

import pytest

from tests.chaos.kill_points import FIRST_START
from tests.chaos.kill_runs import Kill, assert_effect_names_complete, kill_params_for, run_with_kill
from tests.chaos.killable.killable_suite import KillableSuite, parse_kills

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_killed_first_start_creates_one_set_of_defaults(killable: KillableSuite) -> None:
    assert parse_kills(killable.read_passed_points())[:2] == [
        f"before {FIRST_START}",
        f"after {FIRST_START}",
    ]
    assert sorted(killable.default_names["assistants"]) == ["Secretary", "Writer"]
    assert len(killable.default_names["providers"]) == 1


@pytest.mark.parametrize("kill", kill_params_for("rest_service"))
def test_kill_at_point_breaks_no_promise(killable: KillableSuite, kill: Kill) -> None:
    run_with_kill(killable, kill)


def test_kill_points_match_the_side_effects(killable: KillableSuite) -> None:
    assert_effect_names_complete(killable, "rest_service")
