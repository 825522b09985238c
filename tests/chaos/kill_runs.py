"""Runs stories in which services die at kill points, and checks every promise afterwards.

`CHAOS_KILLS=all` dies on both sides of each point, at the first, second and third pass; otherwise
once after each, and after one for those that are like it.
"""

import os
from collections.abc import Callable, Iterator

import pytest
from _pytest.mark import ParameterSet

from smart_kit.testing.suite import wait_until
from tests.chaos.kill_points import FIRST_START, KILL_POINTS, KillPoint
from tests.chaos.killable.crash_points import KILLED, Side
from tests.chaos.killable.killable_suite import KillableSuite, died_at
from tests.chaos.killable.stories import STORIES, Story, failures, people
from tests.chaos.killable.stories.queue_checks import letters_of, waits
from tests.chaos.killable.user_session import PATIENCE, UserSession

IS_THOROUGH = os.environ.get("CHAOS_KILLS") == "all"
SENDS = ("tg_bot: sendMessage", "tg_bot: sendRichMessage")
SETTLED = ("after tg_bot: journal queue:to_telegram", "after tg_bot: finish queue:to_telegram")
LOST, DOUBLED = "no such answer", "messages too many"
CAUGHT = {
    "taken out at the beginning": ("assistant: begin queue:to_secretary", LOST),
    "no deduplication": ("tg_bot: enqueue queue:to_telegram", DOUBLED),
    "no journal": ("tg_bot: journal queue:to_telegram", DOUBLED),
}
"""Broken variants, the death that shows each, and how."""

WITHOUT_A_POINT: dict[str, tuple[Story, ...]] = {"assistant": (failures.assistant_dies,)}
"""Stories that are told for the names alone, by service."""


def points_of(service: str) -> list[KillPoint]:
    return [point for point in KILL_POINTS if point.service == service]


def stories_of(service: str) -> tuple[Story, ...]:
    """Each once, in which the service's side effects come about."""
    told = {point.story for point in points_of(service)} | {*WITHOUT_A_POINT.get(service, ())}
    return tuple(story for story in STORIES if story in told)


def deaths_of(service: str) -> list[ParameterSet]:
    """Parameters: point, side, repeat, at."""
    return list(_deaths_of(service))


def _deaths_of(service: str) -> Iterator[ParameterSet]:
    for point in points_of(service):
        if point.name == FIRST_START or (point.like and not IS_THOROUGH):
            continue
        for side in point.sides if IS_THOROUGH else point.sides[:1]:
            for repeat, at in ((1, 1), (2, 2), (3, 3)) if IS_THOROUGH else ((1, point.at),):
                yield pytest.param(point, side, repeat, at, id=f"{side} {point.name}-{at}")


def broken_in(service: str) -> list[str]:
    """The variants that a death of this service shows."""
    return [variant for variant, (name, _) in CAUGHT.items() if name.startswith(f"{service}: ")]


def check_names(killable: KillableSuite, service: str) -> None:
    """In all that was told in this suite no side effect is without a name, and no name of this
    service without a side effect that no death has had a part in."""
    for story in stories_of(service):
        if story not in killable.stories_run:
            run_story(killable, story)
    for point in points_of(service):
        if point.first and f"after {point.name}" not in killable.passed():
            run_with_crash(killable, point, "after")
    notes = [note.partition(" ") for note in killable.passed() if not note.startswith(KILLED)]
    noted = {name for _, _, name in notes}
    assert noted - {point.name for point in KILL_POINTS} == set(), "side effects without a name"
    done = {name for side, _, name in notes if side == "after"}
    names = {point.name for point in points_of(service)}
    assert names - done == set(), "names without a side effect"


def run_story(killable: KillableSuite, story: Story) -> None:
    """Run the story without a crash, and check every promise."""
    killable.stories_run.add(story)
    session = UserSession.of_new_user(killable)
    story(session)
    session.check(spare=0)


def run_with_crash(
    killable: KillableSuite,
    point: KillPoint,
    side: Side,
    repeat: int = 1,
    at: int = 1,
    is_settled: Callable[[UserSession], bool] | None = None,
) -> None:
    """Have the services die there, at that pass in so many repeats of its story, and check every
    promise. `is_settled`: see UserSession."""
    name, begun = f"{side} {point.name}", len(killable.passed())
    killable.stories_run.add(point.story)
    first = [point.first] * repeat if point.first else []
    passes = 1 if first else at
    killable.arm(*((one, 1) for one in first), (name, passes))
    try:
        session = UserSession.of_new_user(killable, is_settled)
        for _ in range(repeat):
            point.story(session)
        wait_until(lambda: not killable.is_armed(), PATIENCE)
        people.chat(session)
        notes = killable.passed()[begun:]
        assert died_at(notes) == [*first, name]
        session.check(spare=sends_in_doubt(notes))
    finally:
        killable.arm()
        killable.ask_sandbox("DELETE", "faults")


def run_broken(killable: KillableSuite, variant: str) -> None:
    """The same with a broken mailbox, which has to show."""
    name, shown_by = CAUGHT[variant]
    (point,) = (one for one in KILL_POINTS if one.name == name)
    killable.break_mailbox(variant, point.service)
    try:
        with pytest.raises(AssertionError, match=shown_by):
            run_with_crash(
                killable, point, "after", is_settled=_is_settled if shown_by == LOST else None
            )
    finally:
        killable.break_mailbox(None, point.service)


def _is_settled(session: UserSession) -> bool:
    """Whether somebody has died, and all that the user has said has left Telegram and the queues,
    not for the dead letters: in the order in which a message goes through them."""
    own = [one for one in session.person.messages() if one["from"] == "person"]
    return (
        not session.killable.is_armed()
        and all(one["read"] for one in own)
        and not any(waits(session, queue) for queue in ("queue:to_secretary", "queue:to_telegram"))
        and not letters_of(session)
    )


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
