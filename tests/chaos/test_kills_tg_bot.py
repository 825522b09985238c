"""No promise is broken wherever tg_bot dies between two of its side effects."""

import pytest

from tests.chaos.kill_points import KillPoint
from tests.chaos.kill_runs import (
    broken_in,
    check_names,
    deaths_of,
    run_broken,
    run_with_crash,
)
from tests.chaos.killable.crash_points import Side
from tests.chaos.killable.killable_suite import KillableSuite

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.mark.parametrize(("point", "side", "repeat", "at"), deaths_of("tg_bot"))
def test_a_death_there_breaks_no_promise(
    killable: KillableSuite, point: KillPoint, side: Side, repeat: int, at: int
) -> None:
    run_with_crash(killable, point, side, repeat, at)


@pytest.mark.parametrize("variant", broken_in("tg_bot"))
def test_a_broken_mailbox_is_caught_by_a_death(killable: KillableSuite, variant: str) -> None:
    run_broken(killable, variant)


def test_no_side_effect_is_without_a_name_and_no_name_without_a_side_effect(
    killable: KillableSuite,
) -> None:
    check_names(killable, "tg_bot")
