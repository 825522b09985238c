"""What administrators do while people talk."""

from typing import Any

from smart_kit.testing.suite import wait_until
from tests.chaos.killable.stories.people import chat
from tests.chaos.killable.stories.queue_checks import await_letters, letters_of
from tests.chaos.killable.stories.telegram import order_fault, take_letter
from tests.chaos.killable.user_session import PATIENCE, UserSession


def configuration(session: UserSession) -> None:
    """An administrator changes an assistant: the snapshot follows."""
    chat(session)
    found = session.killable.api("GET", "/assistants")["items"]
    writer = next(one for one in found if one["name"] == "Writer")
    text = f"Write. {session.person.telegram_id} {session.number}"
    session.killable.api("PATCH", f"/assistants/{writer['id']}", {"instructions": text})
    wait_until(lambda: text in str(session.killable.redis.get("config:snapshot")), PATIENCE)
    chat(session)


def deletion(session: UserSession) -> None:
    """An administrator deletes a conversation and then the person."""
    other = session.another()
    chat(other)
    wait_until(lambda: bool(_threads(other)), PATIENCE)
    (thread,) = _threads(other)
    session.killable.api("DELETE", f"/threads/{thread['id']}")
    key = f"history:{thread['thread_id']}"
    wait_until(lambda: not session.killable.redis.exists(key), PATIENCE)
    session.killable.api("DELETE", f"/users/{other.user_id}")
    wait_until(
        lambda: not session.killable.redis.exists(f"user:{other.person.telegram_id}"), PATIENCE
    )
    session.others.remove(other)
    chat(session)


def refusal(session: UserSession) -> None:
    """Telegram refuses an answer; an administrator has it sent again."""
    chat(session)
    order_fault(session, "refused", description="Bad Request: something odd")
    number = session.number
    session.say(f"what is {number} + 1?", rf"= {number + 1}\b")
    wait_until(
        lambda: bool(letters_of(session)) or len(session.heard()) >= len(session.answers), PATIENCE
    )
    for letter in letters_of(session):
        take_letter(session, "POST", f"{letter['id']}/replay")
    session.hear(*session.answers[-1])
    wait_until(lambda: not letters_of(session), PATIENCE)


def unreadable(session: UserSession) -> None:
    """An update that is none goes to the dead letters, and an administrator drops it."""
    chat(session)
    session.killable.ask_sandbox("POST", "updates", {"update": {"message": "nonsense"}})
    found = await_letters(session, "")
    for letter in found:  # two, where tg_bot died before Telegram knew that it had it
        take_letter(session, "DELETE", letter["id"])
    chat(session)


def graceful(session: UserSession) -> None:
    """Somebody restarts what has a lease or a consumer to give up."""
    chat(session)
    session.killable.suite.manage("restart", "--service", "tg_bot", "--service", "assistant")
    chat(session)


def _threads(session: UserSession) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = session.killable.api(
        "GET", f"/threads?user_id={session.user_id}"
    )["items"]
    return found
