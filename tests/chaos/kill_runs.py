"""Runs stories in which a service is killed at a kill point, and checks every promise afterwards.

By default a service is killed once after each kill point that is not `same_as` another. With
`CHAOS_KILLS=all` it is killed on both sides of each, at the first, second and third pass.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

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
MISSING_MESSAGE, EXTRA_MESSAGES = "is lost", "messages too many"
"""Texts of assertion errors, see user_session.py and delivery_assertions.py."""
BROKEN_MAILBOX_CASES = {
    "message removed at begin": ("assistant: begin queue:to_secretary", MISSING_MESSAGE),
    "no deduplication": ("tg_bot: enqueue queue:to_telegram", EXTRA_MESSAGES),
    "no journal": ("tg_bot: journal queue:to_telegram", EXTRA_MESSAGES),
}
"""By variant of broken_mailboxes.py: the kill that reveals it, and the assertion that fails."""

EXTRA_STORIES: dict[str, tuple[Story, ...]] = {"assistant": (failures.assistant_killed,)}
"""By service: stories without a kill point, which run only to find side effects without a name."""


@dataclass(frozen=True)
class Kill:
    """A kill on one side of a kill point, while its story runs once or several times."""

    point: KillPoint
    side: Side = "after"
    repeat_count: int = 1
    """How often the story runs."""
    pass_number: int = 1
    """The occurrence of the side effect over all repeats at which the service is killed."""

    @property
    def crash_point(self) -> str:
        """The name of the crash point at which the service is killed."""
        return f"{self.side} {self.point.name}"


def kill_points_for(service: str) -> list[KillPoint]:
    return [point for point in KILL_POINTS if point.service == service]


def stories_for(service: str) -> tuple[Story, ...]:
    """Return the stories that cause the side effects of the service, each once."""
    stories = {point.story for point in kill_points_for(service)}
    stories.update(EXTRA_STORIES.get(service, ()))
    return tuple(story for story in STORIES if story in stories)


def kill_params_for(service: str) -> list[ParameterSet]:
    """Return pytest parameters: one Kill each."""
    return [
        pytest.param(kill, id=f"{kill.crash_point}-{kill.pass_number}")
        for kill in _iter_kills(service)
    ]


def _iter_kills(service: str) -> Iterator[Kill]:
    for point in kill_points_for(service):
        if point.name == FIRST_START or (point.same_as and not IS_THOROUGH):
            continue
        for side in point.sides if IS_THOROUGH else point.sides[:1]:
            for repeat_count, pass_number in (
                ((1, 1), (2, 2), (3, 3)) if IS_THOROUGH else ((1, point.pass_number),)
            ):
                yield Kill(point, side, repeat_count, pass_number)


def broken_variants_for(service: str) -> list[str]:
    """Return the variants of a broken mailbox that a kill of this service reveals."""
    return [
        variant
        for variant, (name, _) in BROKEN_MAILBOX_CASES.items()
        if name.startswith(f"{service}: ")
    ]


def assert_effect_names_complete(killable: KillableSuite, service: str) -> None:
    """Assert that all recorded side effects are listed, and that all listed ones were recorded.

    First runs the stories of the service that have not run in this suite yet.
    """
    for story in stories_for(service):
        if story not in killable.stories_run:
            run_story(killable, story)
    for point in kill_points_for(service):
        if point.prior_kill and f"after {point.name}" not in killable.read_passed_points():
            run_with_kill(killable, Kill(point))
    notes = [
        note.partition(" ")
        for note in killable.read_passed_points()
        if not note.startswith(KILLED_PREFIX)
    ]
    recorded = {name for _, _, name in notes}
    unlisted = recorded - {point.name for point in KILL_POINTS}
    assert not unlisted, f"side effects not listed: {sorted(unlisted)}"
    completed = {name for side, _, name in notes if side == "after"}
    names = {point.name for point in kill_points_for(service)}
    assert names <= completed, f"listed side effects that never occurred: {names - completed}"


def run_story(killable: KillableSuite, story: Story) -> None:
    """Run the story without a kill, and check every promise."""
    killable.stories_run.add(story)
    session = UserSession.for_new_user(killable)
    story(session)
    session.assert_promises(allowed_duplicates=0)


def run_with_kill(
    killable: KillableSuite, kill: Kill, is_settled: Callable[[UserSession], bool] | None = None
) -> None:
    """Run the story of a kill point with a kill there, and check every promise.

    A kill point with a `prior_kill` is preceded by one such kill per repeat.
    `is_settled`: see UserSession.
    """
    point, start_index = kill.point, len(killable.read_passed_points())
    killable.stories_run.add(point.story)
    prior_kills = [point.prior_kill] * kill.repeat_count if point.prior_kill else []
    pass_number = 1 if prior_kills else kill.pass_number
    killable.arm_kills(*((name, 1) for name in prior_kills), (kill.crash_point, pass_number))
    try:
        session = UserSession.for_new_user(killable, is_settled)
        for _ in range(kill.repeat_count):
            point.story(session)
        wait_until(lambda: not killable.is_armed(), TIMEOUT_SECONDS)
        users.chat(session)
        notes = killable.read_passed_points()[start_index:]
        assert parse_kills(notes) == [*prior_kills, kill.crash_point]
        session.assert_promises(allowed_duplicates=count_uncertain_sends(notes))
    finally:
        killable.arm_kills()
        killable.call_sandbox("DELETE", "faults")


def assert_broken_mailbox_detected(killable: KillableSuite, variant: str) -> None:
    """Assert that a kill with this broken mailbox violates a promise in the expected way."""
    name, expected_error = BROKEN_MAILBOX_CASES[variant]
    (point,) = (point for point in KILL_POINTS if point.name == name)
    is_settled = _is_settled if expected_error == MISSING_MESSAGE else None
    killable.break_mailbox(variant, point.service)
    try:
        with pytest.raises(AssertionError, match=expected_error):
            run_with_kill(killable, Kill(point), is_settled)
    finally:
        killable.break_mailbox(None, point.service)


def _is_settled(session: UserSession) -> bool:
    """Return whether the kill has happened and no message of the user is in progress any more.

    The checks follow the path of a message: Telegram, the two queues, the dead letters.
    """
    own_messages = [
        message for message in session.user.get_messages() if message["from"] == "person"
    ]
    return (
        not session.killable.is_armed()
        and all(message["read"] for message in own_messages)
        and not any(
            is_queued(session, queue) for queue in ("queue:to_secretary", "queue:to_telegram")
        )
        and not get_dead_letters(session)
    )


def count_uncertain_sends(notes: list[str]) -> int:
    """Return how often tg_bot was killed between a send and the record of it in the journal.

    Each such kill may cause one duplicate, because sendMessage has no idempotency key.
    """
    is_uncertain, count = False, 0
    for note in notes:
        side, _, effect = note.removeprefix(KILLED_PREFIX).partition(" ")
        is_kill = note.startswith(KILLED_PREFIX)
        if effect in SEND_EFFECTS:
            is_uncertain = not is_kill or side == "after"
        elif note in SEND_CONFIRMED:
            is_uncertain = False
        if is_kill and effect.startswith("tg_bot"):
            count, is_uncertain = count + is_uncertain, False
    return count
