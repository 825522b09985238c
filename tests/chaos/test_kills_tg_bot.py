"""No promise is broken if tg_bot is killed between any two of its side effects."""

import pytest

from tests.chaos.kill_points import KillPoint
from tests.chaos.kill_runs import (
    assert_broken_mailbox_detected,
    assert_effect_names_complete,
    broken_variants_for,
    kill_params_for,
    run_with_crash,
)
from tests.chaos.killable.crash_points import Side
from tests.chaos.killable.killable_suite import KillableSuite

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.mark.parametrize(
    ("point", "side", "repeat_count", "pass_number"), kill_params_for("tg_bot")
)
def test_kill_at_point_breaks_no_promise(
    killable: KillableSuite, point: KillPoint, side: Side, repeat_count: int, pass_number: int
) -> None:
    run_with_crash(killable, point, side, repeat_count, pass_number)


@pytest.mark.parametrize("variant", broken_variants_for("tg_bot"))
def test_broken_mailbox_is_detected_by_a_kill(killable: KillableSuite, variant: str) -> None:
    assert_broken_mailbox_detected(killable, variant)


def test_kill_points_match_the_side_effects(killable: KillableSuite) -> None:
    assert_effect_names_complete(killable, "tg_bot")
