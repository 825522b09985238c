"""Runs stories in which services die at kill points, and checks every promise afterwards.

`CHAOS_KILLS=all` dies on both sides of each point, at the first, second and third pass; otherwise
once after each, and after one for those that are like it.
"""

import os
from collections.abc import Callable, Iterator

import pytest
from _pytest.mark import ParameterSet

from smart_kit.testing.suite_harness import wait_until
from tests.chaos.kill_points import FIRST_START, KILL_POINTS, KillPoint
from tests.chaos.killable.crash_points import KILLED_PREFIX, Side
from tests.chaos.killable.killable_suite import KillableSuite, parse_kills
from tests.chaos.killable.stories import STORIES, Story, failures, users
from tests.chaos.killable.stories.queue_checks import get_dead_letters, is_queued
from tests.chaos.killable.user_session import TIMEOUT_SECONDS, UserSession

IS_THOROUGH = os.environ.get("CHAOS_KILLS") == "all"
SEND_EFFECTS = ("tg_bot: sendMessage", "tg_bot: sendRichMessage")
SEND_CONFIRMED = (
    "after tg_bot: journal queue:to_telegram",
    "after tg_bot: finish queue:to_telegram",
)
MISSING_MESSAGE, EXTRA_MESSAGES = "no such answer", "messages too many"
BROKEN_MAILBOX_CASES = {
    "taken out at the beginning": ("assistant: begin queue:to_secretary", MISSING_MESSAGE),
    "no deduplication": ("tg_bot: enqueue queue:to_telegram", EXTRA_MESSAGES),
    "no journal": ("tg_bot: journal queue:to_telegram", EXTRA_MESSAGES),
}
"""Broken variants, the death that shows each, and how."""

EXTRA_STORIES: dict[str, tuple[Story, ...]] = {"assistant": (failures.assistant_killed,)}
"""Stories that are told for the names alone, by service."""


def kill_points_for(service: str) -> list[KillPoint]:
    return [point for point in KILL_POINTS if point.service == service]


def stories_for(service: str) -> tuple[Story, ...]:
    """Each once, in which the service's side effects come about."""
    wanted = {point.story for point in kill_points_for(service)} | {*EXTRA_STORIES.get(service, ())}
    return tuple(story for story in STORIES if story in wanted)


def kill_params_for(service: str) -> list[ParameterSet]:
    """Parameters: point, side, repeat, at."""
    return list(_iter_kill_params(service))


def _iter_kill_params(service: str) -> Iterator[ParameterSet]:
    for point in kill_points_for(service):
        if point.name == FIRST_START or (point.same_as and not IS_THOROUGH):
            continue
        for side in point.sides if IS_THOROUGH else point.sides[:1]:
            for repeat, at in (
                ((1, 1), (2, 2), (3, 3)) if IS_THOROUGH else ((1, point.pass_number),)
            ):
                yield pytest.param(point, side, repeat, at, id=f"{side} {point.name}-{at}")


def broken_variants_for(service: str) -> list[str]:
    """The variants that a death of this service shows."""
    return [
        variant
        for variant, (name, _) in BROKEN_MAILBOX_CASES.items()
        if name.startswith(f"{service}: ")
    ]


def assert_effect_names_complete(killable: KillableSuite, service: str) -> None:
    """In all that was told in this suite no side effect is without a name, and no name of this
    service without a side effect that no death has had a part in."""
    for story in stories_for(service):
        if story not in killable.stories_run:
            run_story(killable, story)
    for point in kill_points_for(service):
        if point.prior_kill and f"after {point.name}" not in killable.read_passed_points():
            run_with_crash(killable, point, "after")
    notes = [
        note.partition(" ")
        for note in killable.read_passed_points()
        if not note.startswith(KILLED_PREFIX)
    ]
    recorded = {name for _, _, name in notes}
    unnamed = recorded - {point.name for point in KILL_POINTS}
    assert not unnamed, f"side effects without a name: {sorted(unnamed)}"
    done = {name for side, _, name in notes if side == "after"}
    names = {point.name for point in kill_points_for(service)}
    assert names <= done, f"names without a side effect: {sorted(names - done)}"


def run_story(killable: KillableSuite, story: Story) -> None:
    """Run the story without a crash, and check every promise."""
    killable.stories_run.add(story)
    session = UserSession.for_new_user(killable)
    story(session)
    session.assert_promises(allowed_duplicates=0)


def run_with_crash(
    killable: KillableSuite,
    point: KillPoint,
    side: Side,
    repeat_count: int = 1,
    pass_number: int = 1,
    is_settled: Callable[[UserSession], bool] | None = None,
) -> None:
    """Have the services die there, at that pass in so many repeats of its story, and check every
    promise. `is_settled`: see UserSession."""
    name, start_index = f"{side} {point.name}", len(killable.read_passed_points())
    killable.stories_run.add(point.story)
    first = [point.prior_kill] * repeat_count if point.prior_kill else []
    passes = 1 if first else pass_number
    killable.arm_kills(*((one, 1) for one in first), (name, passes))
    try:
        session = UserSession.for_new_user(killable, is_settled)
        for _ in range(repeat_count):
            point.story(session)
        wait_until(lambda: not killable.is_armed(), TIMEOUT_SECONDS)
        users.chat(session)
        notes = killable.read_passed_points()[start_index:]
        assert parse_kills(notes) == [*first, name]
        session.assert_promises(allowed_duplicates=count_uncertain_sends(notes))
    finally:
        killable.arm_kills()
        killable.call_sandbox("DELETE", "faults")


def assert_broken_mailbox_detected(killable: KillableSuite, variant: str) -> None:
    """The same with a broken mailbox, which has to show."""
    name, expected_error = BROKEN_MAILBOX_CASES[variant]
    (point,) = (one for one in KILL_POINTS if one.name == name)
    killable.break_mailbox(variant, point.service)
    try:
        with pytest.raises(AssertionError, match=expected_error):
            run_with_crash(
                killable,
                point,
                "after",
                is_settled=_is_settled if expected_error == MISSING_MESSAGE else None,
            )
    finally:
        killable.break_mailbox(None, point.service)


def _is_settled(session: UserSession) -> bool:
    """Whether somebody has died, and all that the user has said has left Telegram and the queues,
    not for the dead letters: in the order in which a message goes through them."""
    own = [one for one in session.user.get_messages() if one["from"] == "person"]
    return (
        not session.killable.is_armed()
        and all(one["read"] for one in own)
        and not any(
            is_queued(session, queue) for queue in ("queue:to_secretary", "queue:to_telegram")
        )
        and not get_dead_letters(session)
    )


def count_uncertain_sends(notes: list[str]) -> int:
    """How often tg_bot died when Telegram may have had a message of which the journal had not."""
    is_uncertain, found = False, 0
    for note in notes:
        side, _, effect = note.removeprefix(KILLED_PREFIX).partition(" ")
        is_kill = note.startswith(KILLED_PREFIX)
        if effect in SEND_EFFECTS:
            is_uncertain = not is_kill or side == "after"
        elif note in SEND_CONFIRMED:
            is_uncertain = False
        if is_kill and effect.startswith("tg_bot"):
            found, is_uncertain = found + is_uncertain, False
    return found
