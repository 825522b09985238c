"""Failures of Redis and of services: killed, slow, or with data lost."""

import signal
from typing import Any

from smart_kit.contracts.keys import TURNS_STREAM
from smart_kit.mailbox.mailbox import GROUP
from smart_kit.testing.suite_harness import wait_until
from tests.chaos.killable.stories.queue_checks import is_own_conversation, is_queued
from tests.chaos.killable.stories.telegram import has_passed, inject_fault
from tests.chaos.killable.stories.users import chat
from tests.chaos.killable.user_session import TIMEOUT_SECONDS, UserSession


def slow_tool(session: UserSession) -> None:
    """A slow tool: *typing* is shown and the assistant's lease renewed."""
    chat(session)
    text = f"feed dog {session.next_number}"
    session.expected_reminders.add(text)
    seen = len(session.killable.read_passed_points())
    session.killable.send_signal("rest_service", signal.SIGSTOP)
    try:
        session.send(f"remind me in 3 hours to {text}", text, "✓ Reminder")
        for effect in ("assistant: renew", "tg_bot: sendChatAction"):
            wait_until(lambda effect=effect: has_passed(session, seen, effect), TIMEOUT_SECONDS)  # type: ignore[misc]
    finally:
        session.killable.send_signal("rest_service", signal.SIGCONT)
    session.wait_for_message(*session.expected_answers[-1])


def lost_identity(session: UserSession) -> None:
    """Redis forgets which bot it is."""
    session.killable.redis.delete("bot")
    wait_until(lambda: bool(session.killable.redis.get("bot")), TIMEOUT_SECONDS)
    chat(session)


def lost_delay(session: UserSession) -> None:
    """A hand has taken away what would wake an answer."""
    chat(session)
    inject_fault(session, "too_many_requests", seconds=600)
    number = session.next_number
    session.send(f"what is {number} + 1?", rf"= {number + 1}\b")
    delayed = "queue:to_telegram:delayed"

    def remove_delay() -> bool:
        members: Any = session.killable.redis.zrange(delayed, 0, -1)
        mine = [one for one in members if is_own_conversation(session, one)]
        is_lost = bool(mine and session.killable.redis.zrem(delayed, *mine))
        return is_lost or len(session.get_received_texts()) == len(
            session.expected_answers
        )  # a death has spent the fault

    wait_until(remove_delay, TIMEOUT_SECONDS)
    session.wait_for_message(*session.expected_answers[-1])


def lost_wakeup(session: UserSession) -> None:
    """The same for a message, while no assistant runs."""
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
    """A hand has taken away what the queues and the archive are read by."""
    groups = {"queue:to_secretary": GROUP, "queue:to_telegram": GROUP, TURNS_STREAM: "archive"}
    for stream, name in groups.items():
        session.killable.redis.xgroup_destroy(stream, name)
    chat(session)
    for stream in groups:
        wait_until(
            lambda stream=stream: bool(session.killable.redis.xinfo_groups(stream)), TIMEOUT_SECONDS
        )  # type: ignore[misc]


def orphaned_user_key(session: UserSession) -> None:
    """Redis knows somebody whom Postgres does not."""
    key = f"user:{session.user.telegram_id + 10**9}"
    session.killable.redis.set(key, "{}")
    wait_until(lambda: not session.killable.redis.exists(key), TIMEOUT_SECONDS)
    chat(session)


def unreadable_turn_record(session: UserSession) -> None:
    """A record that can never be archived is put aside, and the archive goes on."""
    before = session.killable.redis.xlen("turns:dead")
    session.killable.redis.xadd("turns", {"record": "nonsense"})
    wait_until(lambda: session.killable.redis.xlen("turns:dead") > before, TIMEOUT_SECONDS)
    chat(session)
    assert session.killable.redis.xlen("turns:dead") == before + 1


def rest_service_killed(session: UserSession) -> None:
    """rest_service dies just before a tool needs it: the message waits for the next one."""
    chat(session)
    text = f"feed cow {session.next_number}"
    session.expected_reminders.add(text)
    seen = len(session.killable.read_passed_points())
    with session.killable.hold_down("rest_service"):
        session.send(f"remind me in 3 hours to {text}", text, "✓ Reminder")
        wait_until(lambda: has_passed(session, seen, "assistant: delay queue:"), TIMEOUT_SECONDS)
    session.wait_for_message(*session.expected_answers[-1])


def assistant_killed(session: UserSession) -> None:
    """While it has nothing to do; the next one makes itself at home."""
    session.killable.crash("assistant")
    chat(session)


def tg_bot_killed(session: UserSession) -> None:
    """The same."""
    session.killable.crash("tg_bot")
    chat(session)
