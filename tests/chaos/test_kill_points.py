"""The list of kill points is consistent, and no point, story or variant is left without a test."""

from itertools import chain
from pathlib import Path

from tests.chaos.kill_points import KILL_POINTS
from tests.chaos.kill_runs import BROKEN_MAILBOX_CASES, broken_variants_for, stories_for
from tests.chaos.killable.stories import STORIES

SERVICES = {point.service for point in KILL_POINTS}


def test_kill_point_names_are_unique() -> None:
    names = [point.name for point in KILL_POINTS]

    assert len(names) == len(set(names)) >= 25
    assert {point.same_as for point in KILL_POINTS if point.same_as} <= set(names)


def test_every_service_has_a_file_of_kill_tests() -> None:
    files = {path.stem for path in Path(__file__).parent.glob("test_kills_*.py")}

    assert files == {f"test_kills_{service}" for service in SERVICES}


def test_every_story_and_every_broken_mailbox_is_run() -> None:
    assert set(chain.from_iterable(map(stories_for, SERVICES))) == set(STORIES)
    assert set(chain.from_iterable(map(broken_variants_for, SERVICES))) == set(BROKEN_MAILBOX_CASES)
