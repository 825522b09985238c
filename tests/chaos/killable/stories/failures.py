"""Stories in which a service is slow or killed, or Redis loses data."""

import signal
from functools import partial
from typing import Any

from smart_kit.contracts.keys import TURNS_STREAM
from smart_kit.mailbox.mailbox import GROUP
from smart_kit.testing.suite_harness import wait_until
from tests.chaos.killable.stories.queue_checks import is_own_conversation, is_queued
from tests.chaos.killable.stories.telegram import has_passed, inject_fault
from tests.chaos.killable.stories.users import chat
from tests.chaos.killable.user_session import TIMEOUT_SECONDS, UserSession


def slow_tool(session: UserSession) -> None:
    """A tool is slow: "typing" is shown, and the assistant renews its lease."""
    chat(session)
    text = f"feed dog {session.next_number}"
    session.expected_reminders.add(text)
    start_index = len(session.killable.read_passed_points())
    session.killable.send_signal("rest_service", signal.SIGSTOP)
    try:
        session.send(f"remind me in 3 hours to {text}", text, "✓ Reminder")
        for effect in ("assistant: renew", "tg_bot: sendChatAction"):
            wait_until(partial(has_passed, session, start_index, effect), TIMEOUT_SECONDS)
    finally:
        session.killable.send_signal("rest_service", signal.SIGCONT)
    session.wait_for_message(*session.expected_answers[-1])


def lost_identity(session: UserSession) -> None:
    """Redis loses the identity of the bot, and tg_bot writes it again."""
    session.killable.redis.delete("bot")
    wait_until(lambda: bool(session.killable.redis.get("bot")), TIMEOUT_SECONDS)
    chat(session)


def lost_delay(session: UserSession) -> None:
    """The entry that would wake up a delayed answer is deleted, and the reconciler restores it."""
    chat(session)
    inject_fault(session, "too_many_requests", seconds=600)
    number = session.next_number
    session.send(f"what is {number} + 1?", rf"= {number + 1}\b")
    delayed = "queue:to_telegram:delayed"

    def remove_delay() -> bool:
        members: Any = session.killable.redis.zrange(delayed, 0, -1)
        own = [member for member in members if is_own_conversation(session, member)]
        is_removed = bool(own and session.killable.redis.zrem(delayed, *own))
        # after a kill the answer may have been sent without meeting the fault
        is_answered = len(session.get_received_texts()) == len(session.expected_answers)
        return is_removed or is_answered

    wait_until(remove_delay, TIMEOUT_SECONDS)
    session.wait_for_message(*session.expected_answers[-1])


def lost_wakeup(session: UserSession) -> None:
    """The queue entry of a message is deleted while no assistant runs, and is restored."""
    chat(session)
    session.killable.suite.manage("stop", "--service", "assistant")
    number = session.next_number
    session.send(f"what is {number} + 1?", rf"= {number + 1}\b")
    wait_until(lambda: is_queued(session, "queue:to_secretary"), TIMEOUT_SECONDS)
    entries: Any = session.killable.redis.xrange("queue:to_secretary")
    session.killable.redis.xdel("queue:to_secretary", *(entry for entry, _ in entries))
    session.killable.suite.manage("start", "--service", "assistant")
    session.wait_for_message(*session.expected_answers[-1])


def lost_groups(session: UserSession) -> None:
    """The consumer groups of the queues and of the archive are deleted, and are created again."""
    groups = {"queue:to_secretary": GROUP, "queue:to_telegram": GROUP, TURNS_STREAM: "archive"}
    for stream, name in groups.items():
        session.killable.redis.xgroup_destroy(stream, name)
    chat(session)
    for stream in groups:
        wait_until(
            lambda stream=stream: bool(session.killable.redis.xinfo_groups(stream)), TIMEOUT_SECONDS
        )  # type: ignore[misc]


def orphaned_user_key(session: UserSession) -> None:
    """Redis holds a user who is not in Postgres, and the key is deleted."""
    key = f"user:{session.user.telegram_id + 10**9}"
    session.killable.redis.set(key, "{}")
    wait_until(lambda: not session.killable.redis.exists(key), TIMEOUT_SECONDS)
    chat(session)


def unreadable_turn_record(session: UserSession) -> None:
    """A turn record that cannot be archived becomes a dead letter, and archiving continues."""
    before = session.killable.redis.xlen("turns:dead")
    session.killable.redis.xadd("turns", {"record": "nonsense"})
    wait_until(lambda: session.killable.redis.xlen("turns:dead") > before, TIMEOUT_SECONDS)
    chat(session)
    assert session.killable.redis.xlen("turns:dead") == before + 1


def rest_service_killed(session: UserSession) -> None:
    """rest_service is down when a tool needs it, and the message waits until it is back."""
    chat(session)
    text = f"feed cow {session.next_number}"
    session.expected_reminders.add(text)
    start_index = len(session.killable.read_passed_points())
    with session.killable.hold_down("rest_service"):
        session.send(f"remind me in 3 hours to {text}", text, "✓ Reminder")
        wait_until(
            lambda: has_passed(session, start_index, "assistant: delay queue:"), TIMEOUT_SECONDS
        )
    session.wait_for_message(*session.expected_answers[-1])


def assistant_killed(session: UserSession) -> None:
    """The assistant is killed while it is idle."""
    session.killable.crash("assistant")
    chat(session)


def tg_bot_killed(session: UserSession) -> None:
    """tg_bot is killed while it is idle."""
    session.killable.crash("tg_bot")
    chat(session)
