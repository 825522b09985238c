"""What administrators do while people talk."""

from typing import Any

from smart_kit.testing.suite import wait_until
from tests.chaos.killable.stories.people import chat
from tests.chaos.killable.stories.queues import await_letters, letters_of
from tests.chaos.killable.stories.telegram import order_fault, take_letter
from tests.chaos.killable.talk import PATIENCE, Talk


def configuration(talk: Talk) -> None:
    """An administrator changes an assistant: the snapshot follows."""
    chat(talk)
    found = talk.stage.api("GET", "/assistants")["items"]
    writer = next(one for one in found if one["name"] == "Writer")
    text = f"Write. {talk.person.telegram_id} {talk.number}"
    talk.stage.api("PATCH", f"/assistants/{writer['id']}", {"instructions": text})
    wait_until(lambda: text in str(talk.stage.redis.get("config:snapshot")), PATIENCE)
    chat(talk)


def deletion(talk: Talk) -> None:
    """An administrator deletes a conversation and then the person."""
    other = talk.another()
    chat(other)
    wait_until(lambda: bool(_threads(other)), PATIENCE)
    (thread,) = _threads(other)
    talk.stage.api("DELETE", f"/threads/{thread['id']}")
    key = f"history:{thread['thread_id']}"
    wait_until(lambda: not talk.stage.redis.exists(key), PATIENCE)
    talk.stage.api("DELETE", f"/users/{other.user_id}")
    wait_until(lambda: not talk.stage.redis.exists(f"user:{other.person.telegram_id}"), PATIENCE)
    talk.others.remove(other)
    chat(talk)


def refusal(talk: Talk) -> None:
    """Telegram refuses an answer; an administrator has it sent again."""
    chat(talk)
    order_fault(talk, "refused", description="Bad Request: something odd")
    number = talk.number
    talk.say(f"what is {number} + 1?", rf"= {number + 1}\b")
    wait_until(lambda: bool(letters_of(talk)) or len(talk.heard()) >= len(talk.answers), PATIENCE)
    for letter in letters_of(talk):
        take_letter(talk, "POST", f"{letter['id']}/replay")
    talk.hear(*talk.answers[-1])
    wait_until(lambda: not letters_of(talk), PATIENCE)


def unreadable(talk: Talk) -> None:
    """An update that is none goes to the dead letters, and an administrator drops it."""
    chat(talk)
    talk.stage.ask_sandbox("POST", "updates", {"update": {"message": "nonsense"}})
    found = await_letters(talk, "")
    for letter in found:  # two, where tg_bot died before Telegram knew that it had it
        take_letter(talk, "DELETE", letter["id"])
    chat(talk)


def graceful(talk: Talk) -> None:
    """Somebody restarts what has a lease or a consumer to give up."""
    chat(talk)
    talk.stage.suite.manage("restart", "--service", "tg_bot", "--service", "assistant")
    chat(talk)


def _threads(talk: Talk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = talk.stage.api("GET", f"/threads?user_id={talk.user_id}")["items"]
    return found
