"""Failures of Redis and of services: killed, slow, or with data lost."""

import signal
from typing import Any

from smart_kit.contracts.keys import TURNS_STREAM
from smart_kit.mailbox.mailbox import GROUP
from smart_kit.testing.suite import wait_until
from tests.chaos.killable.stories.people import chat
from tests.chaos.killable.stories.queue_checks import is_of, waits
from tests.chaos.killable.stories.telegram import is_passed, order_fault
from tests.chaos.killable.user_session import PATIENCE, UserSession


def patience(session: UserSession) -> None:
    """A slow tool: *typing* is shown and the assistant's lease renewed."""
    chat(session)
    text = f"feed dog {session.number}"
    session.reminders.add(text)
    seen = len(session.killable.passed())
    session.killable.signal("rest_service", signal.SIGSTOP)
    try:
        session.say(f"remind me in 3 hours to {text}", text, "✓ Reminder")
        for effect in ("assistant: renew", "tg_bot: sendChatAction"):
            wait_until(lambda effect=effect: is_passed(session, seen, effect), PATIENCE)  # type: ignore[misc]
    finally:
        session.killable.signal("rest_service", signal.SIGCONT)
    session.hear(*session.answers[-1])


def lost_identity(session: UserSession) -> None:
    """Redis forgets which bot it is."""
    session.killable.redis.delete("bot")
    wait_until(lambda: bool(session.killable.redis.get("bot")), PATIENCE)
    chat(session)


def lost_delay(session: UserSession) -> None:
    """A hand has taken away what would wake an answer."""
    chat(session)
    order_fault(session, "too_many_requests", seconds=600)
    number = session.number
    session.say(f"what is {number} + 1?", rf"= {number + 1}\b")
    delayed = "queue:to_telegram:delayed"

    def has_lost() -> bool:
        members: Any = session.killable.redis.zrange(delayed, 0, -1)
        mine = [one for one in members if is_of(session, one)]
        is_lost = bool(mine and session.killable.redis.zrem(delayed, *mine))
        return is_lost or len(session.heard()) == len(
            session.answers
        )  # a death has spent the fault

    wait_until(has_lost, PATIENCE)
    session.hear(*session.answers[-1])


def lost_wake_up(session: UserSession) -> None:
    """The same for a message, while no assistant runs."""
    chat(session)
    session.killable.suite.manage("stop", "--service", "assistant")
    number = session.number
    session.say(f"what is {number} + 1?", rf"= {number + 1}\b")
    wait_until(lambda: waits(session, "queue:to_secretary"), PATIENCE)
    entries: Any = session.killable.redis.xrange("queue:to_secretary")
    session.killable.redis.xdel("queue:to_secretary", *(entry for entry, _ in entries))
    session.killable.suite.manage("start", "--service", "assistant")
    session.hear(*session.answers[-1])


def lost_groups(session: UserSession) -> None:
    """A hand has taken away what the queues and the archive are read by."""
    groups = {"queue:to_secretary": GROUP, "queue:to_telegram": GROUP, TURNS_STREAM: "archive"}
    for stream, name in groups.items():
        session.killable.redis.xgroup_destroy(stream, name)
    chat(session)
    for stream in groups:
        wait_until(
            lambda stream=stream: bool(session.killable.redis.xinfo_groups(stream)), PATIENCE
        )  # type: ignore[misc]


def stray_user(session: UserSession) -> None:
    """Redis knows somebody whom Postgres does not."""
    key = f"user:{session.person.telegram_id + 10**9}"
    session.killable.redis.set(key, "{}")
    wait_until(lambda: not session.killable.redis.exists(key), PATIENCE)
    chat(session)


def bad_record(session: UserSession) -> None:
    """A record that can never be archived is put aside, and the archive goes on."""
    before = session.killable.redis.xlen("turns:dead")
    session.killable.redis.xadd("turns", {"record": "nonsense"})
    wait_until(lambda: session.killable.redis.xlen("turns:dead") > before, PATIENCE)
    chat(session)
    assert session.killable.redis.xlen("turns:dead") == before + 1


def rest_dies(session: UserSession) -> None:
    """rest_service dies just before a tool needs it: the message waits for the next one."""
    chat(session)
    text = f"feed cow {session.number}"
    session.reminders.add(text)
    seen = len(session.killable.passed())
    with session.killable.away("rest_service"):
        session.say(f"remind me in 3 hours to {text}", text, "✓ Reminder")
        wait_until(lambda: is_passed(session, seen, "assistant: delay queue:"), PATIENCE)
    session.hear(*session.answers[-1])


def assistant_dies(session: UserSession) -> None:
    """While it has nothing to do; the next one makes itself at home."""
    session.killable.crash("assistant")
    chat(session)


def tg_bot_dies(session: UserSession) -> None:
    """The same."""
    session.killable.crash("tg_bot")
    chat(session)
