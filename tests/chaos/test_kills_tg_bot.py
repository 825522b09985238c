"""No promise is broken if tg_bot is killed between any two of its side effects."""

import pytest

from tests.chaos.kill_runs import (
    Kill,
    assert_broken_mailbox_detected,
    assert_effect_names_complete,
    broken_variants_for,
    kill_params_for,
    run_with_kill,
)
from tests.chaos.killable.killable_suite import KillableSuite

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.mark.parametrize("kill", kill_params_for("tg_bot"))
def test_kill_at_point_breaks_no_promise(killable: KillableSuite, kill: Kill) -> None:
    run_with_kill(killable, kill)


@pytest.mark.parametrize("variant", broken_variants_for("tg_bot"))
def test_broken_mailbox_is_detected_by_a_kill(killable: KillableSuite, variant: str) -> None:
    assert_broken_mailbox_detected(killable, variant)


def test_kill_points_match_the_side_effects(killable: KillableSuite) -> None:
    assert_effect_names_complete(killable, "tg_bot")
