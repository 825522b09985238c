"""What Telegram does to the bot."""

from typing import Any

from smart_kit.testing.suite import wait_until
from tests.chaos.killable.killable_suite import died_at
from tests.chaos.killable.stories.people import chat
from tests.chaos.killable.stories.queue_checks import await_letters, waits
from tests.chaos.killable.user_session import PATIENCE, UserSession


def flood(session: UserSession) -> None:
    """Telegram asks for a pause."""
    order_fault(session, "too_many_requests", seconds=1)
    chat(session)


def block(session: UserSession) -> None:
    """Somebody blocks the bot, so that its answer is lost on purpose, and comes back."""
    chat(session)
    order_fault(session, "blocked", times=1000)
    session.turns += 1
    session.person.say("what is 2 + 2?")
    key = f"turned_away:{session.person.telegram_id}"
    wait_until(lambda: bool(session.killable.redis.keys(f"*:{key}")), PATIENCE)
    wait_until(lambda: not waits(session, "queue:to_telegram"), PATIENCE)
    session.killable.ask_sandbox("DELETE", "faults")
    chat(session)


def slow_telegram(session: UserSession) -> None:
    """Telegram takes its time, so that tg_bot's lease is renewed."""
    order_fault(session, "slow", seconds=1.5)
    chat(session)
    chat(session)


def group(session: UserSession) -> None:
    """Groups are told once that they are none of ours; this one is not even there."""
    chat(session)
    author = {"id": session.person.telegram_id, "first_name": "Somebody", "is_bot": False}
    chat_id = -(10**9) - 1000 * session.person.telegram_id - session.number
    message = {
        "message_id": 1,
        "from": author,
        "chat": {"id": chat_id, "type": "supergroup"},
        "text": "/help",
    }
    session.killable.ask_sandbox("POST", "updates", {"update": {"message": message}})
    (letter,) = await_letters(session, str(chat_id))
    take_letter(session, "DELETE", letter["id"])
    chat(session)


def button(session: UserSession) -> None:
    """A press of a button that is no longer there."""
    chat(session)
    seen = len(session.killable.passed())
    query = {"id": "1", "from": {"id": session.person.telegram_id}, "data": "x:1"}
    session.killable.ask_sandbox("POST", "updates", {"update": {"callback_query": query}})
    wait_until(lambda: is_passed(session, seen, "tg_bot: answerCallbackQuery"), PATIENCE)
    chat(session)


def take_letter(session: UserSession, method: str, path: str) -> None:
    """As an administrator does; that it was begun is noted once, and once more with each death."""
    seen = len(session.killable.passed())
    session.killable.api(method, f"/dead-letters/{path}")
    begun = session.killable.api("GET", "/audit?result=begun&object_type=dead-letters&limit=100")[
        "items"
    ]
    noted = [one for one in begun if one["path"] == f"/api/dead-letters/{path}"]
    deaths = len(died_at(session.killable.passed()[seen:]))
    assert 1 <= len(noted) <= 1 + deaths, f"{method} {path}: {noted}"


def order_fault(session: UserSession, kind: str, **rest: Any) -> None:
    """For this person's next answer, or the next `times`."""
    chat_id = session.person.telegram_id
    body = {"kind": kind, "method": "sendMessage", "chat_id": chat_id, **rest}
    session.killable.ask_sandbox("POST", "faults", body)


def is_passed(session: UserSession, seen: int, effect: str) -> bool:
    """Whether somebody has passed it since that many notes."""
    return any(f"after {effect}" in note for note in session.killable.passed()[seen:])
