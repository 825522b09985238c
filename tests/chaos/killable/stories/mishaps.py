"""What hands, accidents and slowness do to Redis and the services."""

import signal
from typing import Any

from smart_kit.contracts.keys import TURNS_STREAM
from smart_kit.mailbox.mailbox import GROUP
from smart_kit.testing.suite import wait_until
from tests.chaos.killable.stories.people import chat, reminder
from tests.chaos.killable.stories.queues import is_of, waits
from tests.chaos.killable.stories.telegram import is_passed, order_fault
from tests.chaos.killable.talk import PATIENCE, Talk


def patience(talk: Talk) -> None:
    """A slow tool: *typing* is shown and the assistant's lease renewed."""
    chat(talk)
    text = f"feed dog {talk.number}"
    talk.reminders.add(text)
    seen = len(talk.stage.passed())
    talk.stage.signal("rest_service", signal.SIGSTOP)
    try:
        talk.say(f"remind me in 3 hours to {text}", text, "✓ Reminder")
        for effect in ("assistant: renew", "tg_bot: sendChatAction"):
            wait_until(lambda effect=effect: is_passed(talk, seen, effect), PATIENCE)  # type: ignore[misc]
    finally:
        talk.stage.signal("rest_service", signal.SIGCONT)
    talk.hear(*talk.answers[-1])


def lost_identity(talk: Talk) -> None:
    """Redis forgets which bot it is."""
    talk.stage.redis.delete("bot")
    wait_until(lambda: bool(talk.stage.redis.get("bot")), PATIENCE)
    chat(talk)


def lost_delay(talk: Talk) -> None:
    """A hand has taken away what would wake an answer."""
    chat(talk)
    order_fault(talk, "too_many_requests", seconds=600)
    number = talk.number
    talk.say(f"what is {number} + 1?", rf"= {number + 1}\b")
    delayed = "queue:to_telegram:delayed"

    def has_lost() -> bool:
        members: Any = talk.stage.redis.zrange(delayed, 0, -1)
        mine = [one for one in members if is_of(talk, one)]
        is_lost = bool(mine and talk.stage.redis.zrem(delayed, *mine))
        return is_lost or len(talk.heard()) == len(talk.answers)  # a death has spent the fault

    wait_until(has_lost, PATIENCE)
    talk.hear(*talk.answers[-1])


def lost_wake_up(talk: Talk) -> None:
    """The same for a message, while no assistant runs."""
    chat(talk)
    talk.stage.suite.manage("stop", "--service", "assistant")
    number = talk.number
    talk.say(f"what is {number} + 1?", rf"= {number + 1}\b")
    wait_until(lambda: waits(talk, "queue:to_secretary"), PATIENCE)
    entries: Any = talk.stage.redis.xrange("queue:to_secretary")
    talk.stage.redis.xdel("queue:to_secretary", *(entry for entry, _ in entries))
    talk.stage.suite.manage("start", "--service", "assistant")
    talk.hear(*talk.answers[-1])


def lost_groups(talk: Talk) -> None:
    """A hand has taken away what the queues and the archive are read by."""
    groups = {"queue:to_secretary": GROUP, "queue:to_telegram": GROUP, TURNS_STREAM: "archive"}
    for stream, name in groups.items():
        talk.stage.redis.xgroup_destroy(stream, name)
    chat(talk)
    for stream in groups:
        wait_until(lambda stream=stream: bool(talk.stage.redis.xinfo_groups(stream)), PATIENCE)  # type: ignore[misc]


def stray_user(talk: Talk) -> None:
    """Redis knows somebody whom Postgres does not."""
    key = f"user:{talk.person.telegram_id + 10**9}"
    talk.stage.redis.set(key, "{}")
    wait_until(lambda: not talk.stage.redis.exists(key), PATIENCE)
    chat(talk)


def bad_record(talk: Talk) -> None:
    """A record that can never be archived is put aside, and the archive goes on."""
    before = talk.stage.redis.xlen("turns:dead")
    talk.stage.redis.xadd("turns", {"record": "nonsense"})
    wait_until(lambda: talk.stage.redis.xlen("turns:dead") > before, PATIENCE)
    chat(talk)
    assert talk.stage.redis.xlen("turns:dead") == before + 1


def rest_dies(talk: Talk) -> None:
    """rest_service dies just before a tool needs it: the message waits for the next one."""
    chat(talk)
    talk.stage.crash("rest_service")
    reminder(talk)


def assistant_dies(talk: Talk) -> None:
    """While it has nothing to do; the next one makes itself at home."""
    talk.stage.crash("assistant")
    chat(talk)


def tg_bot_dies(talk: Talk) -> None:
    """The same."""
    talk.stage.crash("tg_bot")
    chat(talk)
