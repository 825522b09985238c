"""What people do with what an administrator has added: they choose it by a button, and use it."""

from collections import defaultdict
from decimal import ROUND_CEILING, Decimal

from smart_kit.testing.suite import wait_until
from tests.chaos.killable.offers import DOORMAN, PRICED, SLOW, add_offers
from tests.chaos.killable.stories.people import chat, reminder
from tests.chaos.killable.suite import died_at
from tests.chaos.killable.talk import PATIENCE, Talk

QUESTIONS = {"assistant": "Who should answer you", "model": "Which model should answer you"}
UNKNOWN = "is not known"


def growing_answer(talk: Talk) -> None:
    """An answer that is shown while it is written, and then is there once."""
    choose(talk, "model", SLOW)
    number = talk.number
    talk.ask(f"what is {number} + 1 + 1 + 1 + 1 + 1 + 1 + 1?", rf"= {number + 7}\b")
    shown = talk.person.http.get(f"/chat/{talk.person.telegram_id}/messages")
    assert shown.raise_for_status().json()["draft"] is None


def doorman(talk: Talk) -> None:
    """A tool that writes outside is called once at most, and its person told if nobody knows; what
    was read outside is read again from what was kept."""
    choose(talk, "assistant", DOORMAN)
    ring(talk)
    read_dial(talk)


def ring(talk: Talk) -> None:
    """The doorman's bell."""
    word = f"ding{talk.person.telegram_id}x{talk.number}"
    talk.ask(f"use ring bell “{word}”", f"rang {word}|{UNKNOWN}")
    chat(talk)
    rung, heard = talk.stage.outside.rung.count(word), talk.heard()
    is_told = any(f"rang {word}" in said for said in heard)
    assert rung <= 1, f"{word} has rung {rung} times"
    assert rung == 1 or not is_told, heard
    assert is_told or any(UNKNOWN in said for said in heard), heard


def read_dial(talk: Talk) -> None:
    """The doorman's dial, twice."""
    word, seen = f"dial{talk.person.telegram_id}x{talk.number}", len(talk.stage.passed())
    for _ in range(2):
        talk.ask(f"use read dial “{word}”", f"stands at {word}")
    chat(talk)
    deaths = len(died_at(talk.stage.passed()[seen:]))
    assert 1 <= talk.stage.outside.read.count(word) <= 1 + deaths


def budget(talk: Talk) -> None:
    """Somebody with a budget asks a model that costs, by the Responses API: a call counts once."""
    chat(talk)
    talk.stage.api("PATCH", f"/users/{talk.user_id}", {"daily_budget": "10"})
    choose(talk, "model", PRICED)
    reminder(talk)
    _check_spent(talk)


def choose(talk: Talk, what: str, label: str) -> None:
    """By a button of the question's newest letter."""
    add_offers(talk.stage)
    chat(talk)
    talk.ask(f"/{what}", QUESTIONS[what], turns=0)
    letter = [one for one in talk.person.messages() if one.get("reply_markup")][-1]
    rows = letter["reply_markup"]["inline_keyboard"]
    button = next(one for row in rows for one in row if label in one["text"])
    words = (f"From now on.* {label} answers you",)
    talk.answers.append(words)
    body = {"message_id": letter["message_id"], "data": button["callback_data"]}
    talk.person.http.post(f"/chat/{talk.person.telegram_id}/buttons", json=body).raise_for_status()
    talk.hear(*words)


def _check_spent(talk: Talk) -> None:
    """The budget's own count is the archive's, call by call."""
    spent: dict[str, int] = {}
    total = 0
    for key in talk.stage.redis.scan_iter(f"budget:{talk.user_id}:*"):  # two, around midnight
        calls = talk.stage.redis.hgetall(key)
        total += int(calls.pop("total"))  # type: ignore[union-attr]
        spent |= {name: int(cost) for name, cost in calls.items()}  # type: ignore[union-attr]
    assert spent
    assert sum(spent.values()) == total, spent
    wait_until(lambda: _usage(talk) == spent, PATIENCE)


def _usage(talk: Talk) -> dict[str, int]:
    """What each call cost, in millionths of a USD, as the archive has it."""
    found = talk.stage.api("GET", f"/usage?user_id={talk.user_id}&limit=200")["items"]
    costs = defaultdict[str, Decimal](Decimal)
    for one in found:
        step = one["step"].partition("~")[0]  # what follows numbers its paid attempts in vain
        costs[f"{one['message_id']}/{step}"] += Decimal(one["cost"] or 0)
    return {
        call: int((cost * 1_000_000).to_integral_value(ROUND_CEILING))
        for call, cost in costs.items()
        if cost
    }
