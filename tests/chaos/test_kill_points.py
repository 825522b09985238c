"""No promise is broken wherever a service dies between two of its side effects.

`CHAOS_KILLS=all` dies on both sides of each, at the first, second and third pass; otherwise once
after each, and after one for those that are like it.
"""

import os
from collections.abc import Iterator

import pytest

from smart_kit.testing.suite import Suite, wait_until
from tests.chaos.kill_points import FIRST_START, KILL_POINTS, KillPoint
from tests.chaos.killable.outside import Outside
from tests.chaos.killable.passage import KILLED, Side
from tests.chaos.killable.stories import STORIES, Story, people
from tests.chaos.killable.suite import ENTRY, NO_LIMITS, Stage, died_at
from tests.chaos.killable.talk import PATIENCE, Talk

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
    pytest.param(point, side, tellings, at, id=f"{side} {point.name}-{at}")
    for point in KILL_POINTS
    for side in (point.sides if IS_THOROUGH else point.sides[:1])
    for tellings, at in (((1, 1), (2, 2), (3, 3)) if IS_THOROUGH else ((1, point.at),))
    if point.name != FIRST_START and (IS_THOROUGH or not point.like)
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One suite for all deaths; its first start has died twice."""
    outside = Outside()
    settings = SETTINGS | {"REST_TOOL_PRIVATE_HOSTS": outside.host}
    suite = Suite(tmp_path_factory.mktemp("suite") / "state", settings, entry=ENTRY)
    stage = Stage(suite, outside)
    try:
        stage.arm((f"before {FIRST_START}", 1), (f"after {FIRST_START}", 1))
        suite.try_manage("start")  # which is said to be unwell where it takes longer than 30 s
        stage.wait_until_well(120.0)
        stage.ask_sandbox("PUT", "limits", NO_LIMITS)
        yield stage
    finally:
        stage.close()
        suite.remove()
        outside.close()


def test_a_first_start_that_dies_makes_one_set_of_defaults(stage: Stage) -> None:
    assert died_at(stage.passed())[:2] == [f"before {FIRST_START}", f"after {FIRST_START}"]
    assistants = [one["name"] for one in stage.api("GET", "/assistants")["items"]]
    assert sorted(assistants) == ["Secretary", "Writer"]
    assert len(stage.api("GET", "/providers")["items"]) == 1


@pytest.mark.parametrize(("point", "side", "tellings", "at"), CASES)
def test_a_death_there_breaks_no_promise(
    stage: Stage, point: KillPoint, side: Side, tellings: int, at: int
) -> None:
    die(stage, point, side, tellings, at)


@pytest.mark.parametrize("variant", CAUGHT)
def test_a_broken_mailbox_is_caught_by_a_death(stage: Stage, variant: str) -> None:
    name, shown_by = CAUGHT[variant]
    (point,) = (one for one in KILL_POINTS if one.name == name)
    service = name.partition(":")[0]
    stage.sabotage(variant, service)
    try:
        with pytest.raises(AssertionError, match=shown_by):
            die(stage, point, "after", patience=12.0 if shown_by == LOST else PATIENCE)
    finally:
        stage.sabotage(None, service)


def test_no_side_effect_is_without_a_name_and_no_name_without_a_side_effect(stage: Stage) -> None:
    """In all that was told so far and what no death has had a part in; so it stands last."""
    for story in STORIES:
        if story not in stage.told:
            tell(stage, story)
    for point in KILL_POINTS:
        if point.first and f"after {point.name}" not in stage.passed():
            die(stage, point, "after")
    names = [point.name for point in KILL_POINTS]
    assert {point.like for point in KILL_POINTS if point.like} <= set(names)
    notes = [note.partition(" ") for note in stage.passed() if not note.startswith(KILLED)]

    assert {name for _, _, name in notes} - set(names) == set(), "side effects without a name"
    done = {name for side, _, name in notes if side == "after"}
    assert set(names) - done == set(), "names without a side effect"
    assert len(names) == len(set(names)) >= 25


def tell(stage: Stage, story: Story) -> None:
    """As it is when nobody is told to die."""
    talk = Talk.of_newcomer(stage)
    story(talk)
    talk.check(spare=0)


def die(
    stage: Stage,
    point: KillPoint,
    side: Side,
    tellings: int = 1,
    at: int = 1,
    patience: float = PATIENCE,
) -> None:
    """Have the services die there, at that pass in so many tellings of its story, and look at every
    promise."""
    name, begun = f"{side} {point.name}", len(stage.passed())
    stage.told.add(point.story)
    first = [point.first] * tellings if point.first else []
    passes = 1 if first else at
    stage.arm(*((one, 1) for one in first), (name, passes))
    try:
        talk = Talk.of_newcomer(stage, patience)
        for _ in range(tellings):
            point.story(talk)
        wait_until(lambda: not stage.is_armed(), patience)
        people.chat(talk)
        notes = stage.passed()[begun:]
        assert died_at(notes) == [*first, name]
        talk.check(spare=sends_in_doubt(notes))
    finally:
        stage.arm()
        stage.ask_sandbox("DELETE", "faults")


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
