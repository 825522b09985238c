"""No promise is broken wherever a service dies between two of its side effects.

`CHAOS_KILLS=all` dies on both sides of each, at the first, second and third pass; otherwise once
after each, and after one for those that are like it.
"""

import os
from collections.abc import Iterator

import pytest

from smart_kit.testing.suite import Suite, wait_until
from tests.chaos.kill_points import FIRST_START, KILL_POINTS, KillPoint
from tests.chaos.killable.crash_points import KILLED, Side
from tests.chaos.killable.killable_suite import ENTRY, NO_LIMITS, KillableSuite, died_at
from tests.chaos.killable.outside_server import OutsideServer
from tests.chaos.killable.stories import STORIES, Story, people
from tests.chaos.killable.user_session import PATIENCE, UserSession

pytestmark = pytest.mark.e2e

IS_THOROUGH = os.environ.get("CHAOS_KILLS") == "all"
SETTINGS = {"TELEGRAM_RATE_PER_CHAT": "0", "TELEGRAM_RATE_OVERALL": "0"}
SENDS = ("tg_bot: sendMessage", "tg_bot: sendRichMessage")
SETTLED = ("after tg_bot: journal queue:to_telegram", "after tg_bot: finish queue:to_telegram")
LOST, DOUBLED = "no such answer", "messages too many"
CAUGHT = {
    "taken out at the beginning": ("assistant: begin queue:to_secretary", LOST),
    "no deduplication": ("tg_bot: enqueue queue:to_telegram", DOUBLED),
    "no journal": ("tg_bot: journal queue:to_telegram", DOUBLED),
}
"""Broken variants, the death that shows each, and how."""

CASES = [
    pytest.param(point, side, repeat, at, id=f"{side} {point.name}-{at}")
    for point in KILL_POINTS
    for side in (point.sides if IS_THOROUGH else point.sides[:1])
    for repeat, at in (((1, 1), (2, 2), (3, 3)) if IS_THOROUGH else ((1, point.at),))
    if point.name != FIRST_START and (IS_THOROUGH or not point.like)
]


@pytest.fixture(scope="module")
def killable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillableSuite]:
    """One suite for all deaths; its first start has died twice."""
    outside = OutsideServer()
    settings = SETTINGS | {"REST_TOOL_PRIVATE_HOSTS": outside.host}
    suite = Suite(tmp_path_factory.mktemp("suite") / "state", settings, entry=ENTRY)
    killable = KillableSuite(suite, outside)
    try:
        killable.arm((f"before {FIRST_START}", 1), (f"after {FIRST_START}", 1))
        suite.try_manage("start")  # which is said to be unwell where it takes longer than 30 s
        killable.wait_until_well(120.0)
        killable.ask_sandbox("PUT", "limits", NO_LIMITS)
        yield killable
    finally:
        killable.close()
        suite.remove()
        outside.close()


def test_a_first_start_that_dies_makes_one_set_of_defaults(killable: KillableSuite) -> None:
    assert died_at(killable.passed())[:2] == [f"before {FIRST_START}", f"after {FIRST_START}"]
    assistants = [one["name"] for one in killable.api("GET", "/assistants")["items"]]
    assert sorted(assistants) == ["Secretary", "Writer"]
    assert len(killable.api("GET", "/providers")["items"]) == 1


@pytest.mark.parametrize(("point", "side", "repeat", "at"), CASES)
def test_a_death_there_breaks_no_promise(
    killable: KillableSuite, point: KillPoint, side: Side, repeat: int, at: int
) -> None:
    run_with_crash(killable, point, side, repeat, at)


@pytest.mark.parametrize("variant", CAUGHT)
def test_a_broken_mailbox_is_caught_by_a_death(killable: KillableSuite, variant: str) -> None:
    name, shown_by = CAUGHT[variant]
    (point,) = (one for one in KILL_POINTS if one.name == name)
    service = name.partition(":")[0]
    killable.break_mailbox(variant, service)
    try:
        with pytest.raises(AssertionError, match=shown_by):
            run_with_crash(
                killable, point, "after", patience=12.0 if shown_by == LOST else PATIENCE
            )
    finally:
        killable.break_mailbox(None, service)


def test_no_side_effect_is_without_a_name_and_no_name_without_a_side_effect(
    killable: KillableSuite,
) -> None:
    """In all that was told so far and what no death has had a part in; so it stands last."""
    for story in STORIES:
        if story not in killable.stories_run:
            run_story(killable, story)
    for point in KILL_POINTS:
        if point.first and f"after {point.name}" not in killable.passed():
            run_with_crash(killable, point, "after")
    names = [point.name for point in KILL_POINTS]
    assert {point.like for point in KILL_POINTS if point.like} <= set(names)
    notes = [note.partition(" ") for note in killable.passed() if not note.startswith(KILLED)]

    assert {name for _, _, name in notes} - set(names) == set(), "side effects without a name"
    done = {name for side, _, name in notes if side == "after"}
    assert set(names) - done == set(), "names without a side effect"
    assert len(names) == len(set(names)) >= 25


def run_story(killable: KillableSuite, story: Story) -> None:
    """Run the story without a crash, and check every promise."""
    session = UserSession.of_new_user(killable)
    story(session)
    session.check(spare=0)


def run_with_crash(
    killable: KillableSuite,
    point: KillPoint,
    side: Side,
    repeat: int = 1,
    at: int = 1,
    patience: float = PATIENCE,
) -> None:
    """Have the services die there, at that pass in so many repeats of its story, and check every
    promise."""
    name, begun = f"{side} {point.name}", len(killable.passed())
    killable.stories_run.add(point.story)
    first = [point.first] * repeat if point.first else []
    passes = 1 if first else at
    killable.arm(*((one, 1) for one in first), (name, passes))
    try:
        session = UserSession.of_new_user(killable, patience)
        for _ in range(repeat):
            point.story(session)
        wait_until(lambda: not killable.is_armed(), patience)
        people.chat(session)
        notes = killable.passed()[begun:]
        assert died_at(notes) == [*first, name]
        session.check(spare=sends_in_doubt(notes))
    finally:
        killable.arm()
        killable.ask_sandbox("DELETE", "faults")


def sends_in_doubt(notes: list[str]) -> int:
    """How often tg_bot died when Telegram may have had a message of which the journal had not."""
    in_doubt, found = False, 0
    for note in notes:
        side, _, effect = note.removeprefix(KILLED).partition(" ")
        is_death = note.startswith(KILLED)
        if effect in SENDS:
            in_doubt = not is_death or side == "after"
        elif note in SETTLED:
            in_doubt = False
        if is_death and effect.startswith("tg_bot"):
            found, in_doubt = found + in_doubt, False
    return found
