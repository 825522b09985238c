"""What Telegram does to the bot."""

from typing import Any

from smart_kit.testing.suite import wait_until
from tests.chaos.killable.stories.people import chat
from tests.chaos.killable.stories.queues import await_letters, waits
from tests.chaos.killable.suite import died_at
from tests.chaos.killable.talk import PATIENCE, Talk


def flood(talk: Talk) -> None:
    """Telegram asks for a pause."""
    order_fault(talk, "too_many_requests", seconds=1)
    chat(talk)


def block(talk: Talk) -> None:
    """Somebody blocks the bot, so that its answer is lost on purpose, and comes back."""
    chat(talk)
    order_fault(talk, "blocked", times=1000)
    talk.turns += 1
    talk.person.say("what is 2 + 2?")
    key = f"turned_away:{talk.person.telegram_id}"
    wait_until(lambda: bool(talk.stage.redis.keys(f"*:{key}")), PATIENCE)
    wait_until(lambda: not waits(talk, "queue:to_telegram"), PATIENCE)
    talk.stage.ask_sandbox("DELETE", "faults")
    chat(talk)


def slow_telegram(talk: Talk) -> None:
    """Telegram takes its time, so that tg_bot's lease is renewed."""
    order_fault(talk, "slow", seconds=1.5)
    chat(talk)
    chat(talk)


def group(talk: Talk) -> None:
    """Groups are told once that they are none of ours; this one is not even there."""
    chat(talk)
    author = {"id": talk.person.telegram_id, "first_name": "Somebody", "is_bot": False}
    chat_id = -(10**9) - 1000 * talk.person.telegram_id - talk.number
    message = {
        "message_id": 1,
        "from": author,
        "chat": {"id": chat_id, "type": "supergroup"},
        "text": "/help",
    }
    talk.stage.ask_sandbox("POST", "updates", {"update": {"message": message}})
    (letter,) = await_letters(talk, str(chat_id))
    take_letter(talk, "DELETE", letter["id"])
    chat(talk)


def button(talk: Talk) -> None:
    """A press of a button that is no longer there."""
    chat(talk)
    seen = len(talk.stage.passed())
    query = {"id": "1", "from": {"id": talk.person.telegram_id}, "data": "x:1"}
    talk.stage.ask_sandbox("POST", "updates", {"update": {"callback_query": query}})
    wait_until(lambda: is_passed(talk, seen, "tg_bot: answerCallbackQuery"), PATIENCE)
    chat(talk)


def take_letter(talk: Talk, method: str, path: str) -> None:
    """As an administrator does; that it was begun is noted once, and once more with each death."""
    seen = len(talk.stage.passed())
    talk.stage.api(method, f"/dead-letters/{path}")
    begun = talk.stage.api("GET", "/audit?result=begun&object_type=dead-letters&limit=100")["items"]
    noted = [one for one in begun if one["path"] == f"/api/dead-letters/{path}"]
    deaths = len(died_at(talk.stage.passed()[seen:]))
    assert 1 <= len(noted) <= 1 + deaths, f"{method} {path}: {noted}"


def order_fault(talk: Talk, kind: str, **rest: Any) -> None:
    """For this person's next answer, or the next `times`."""
    chat_id = talk.person.telegram_id
    body = {"kind": kind, "method": "sendMessage", "chat_id": chat_id, **rest}
    talk.stage.ask_sandbox("POST", "faults", body)


def is_passed(talk: Talk, seen: int, effect: str) -> bool:
    """Whether somebody has passed it since that many notes."""
    return any(f"after {effect}" in note for note in talk.stage.passed()[seen:])
