"""What people do with what an administrator has added: they choose it by a button, and use it."""

from collections import defaultdict
from decimal import ROUND_CEILING, Decimal

from smart_kit.testing.suite import wait_until
from tests.chaos.killable.admin_fixtures import DOORMAN, PRICED, SLOW, add_admin_fixtures
from tests.chaos.killable.killable_suite import died_at
from tests.chaos.killable.stories.people import chat, reminder
from tests.chaos.killable.user_session import PATIENCE, UserSession

QUESTIONS = {"assistant": "Who should answer you", "model": "Which model should answer you"}
UNKNOWN = "is not known"


def growing_answer(session: UserSession) -> None:
    """An answer that is shown while it is written, and then is there once."""
    choose(session, "model", SLOW)
    number = session.number
    session.ask(f"what is {number} + 1 + 1 + 1 + 1 + 1 + 1 + 1?", rf"= {number + 7}\b")
    shown = session.person.http.get(f"/chat/{session.person.telegram_id}/messages")
    assert shown.raise_for_status().json()["draft"] is None


def doorman(session: UserSession) -> None:
    """A tool that writes outside is called once at most, and its person told if nobody knows; what
    was read outside is read again from what was kept."""
    choose(session, "assistant", DOORMAN)
    ring(session)
    read_dial(session)


def ring(session: UserSession) -> None:
    """The doorman's bell."""
    word = f"ding{session.person.telegram_id}x{session.number}"
    session.ask(f"use ring bell “{word}”", f"rang {word}|{UNKNOWN}")
    chat(session)
    rung, heard = session.killable.outside.rung.count(word), session.heard()
    is_told = any(f"rang {word}" in said for said in heard)
    assert rung <= 1, f"{word} has rung {rung} times"
    assert rung == 1 or not is_told, heard
    assert is_told or any(UNKNOWN in said for said in heard), heard


def read_dial(session: UserSession) -> None:
    """The doorman's dial, twice."""
    word, seen = (
        f"dial{session.person.telegram_id}x{session.number}",
        len(session.killable.passed()),
    )
    for _ in range(2):
        session.ask(f"use read dial “{word}”", f"stands at {word}")
    chat(session)
    deaths = len(died_at(session.killable.passed()[seen:]))
    assert 1 <= session.killable.outside.read.count(word) <= 1 + deaths


def budget(session: UserSession) -> None:
    """Somebody with a budget asks a model that costs, by the Responses API: a call counts once."""
    chat(session)
    session.killable.api("PATCH", f"/users/{session.user_id}", {"daily_budget": "10"})
    choose(session, "model", PRICED)
    reminder(session)
    _check_spent(session)


def choose(session: UserSession, what: str, label: str) -> None:
    """By a button of the question's newest letter."""
    add_admin_fixtures(session.killable)
    chat(session)
    session.ask(f"/{what}", QUESTIONS[what], turns=0)
    letter = [one for one in session.person.messages() if one.get("reply_markup")][-1]
    rows = letter["reply_markup"]["inline_keyboard"]
    button = next(one for row in rows for one in row if label in one["text"])
    words = (f"From now on.* {label} answers you",)
    session.answers.append(words)
    body = {"message_id": letter["message_id"], "data": button["callback_data"]}
    session.person.http.post(
        f"/chat/{session.person.telegram_id}/buttons", json=body
    ).raise_for_status()
    session.hear(*words)


def _check_spent(session: UserSession) -> None:
    """The budget's own count is the archive's, call by call."""
    spent: dict[str, int] = {}
    total = 0
    for key in session.killable.redis.scan_iter(
        f"budget:{session.user_id}:*"
    ):  # two, around midnight
        calls = session.killable.redis.hgetall(key)
        total += int(calls.pop("total"))  # type: ignore[union-attr]
        spent |= {name: int(cost) for name, cost in calls.items()}  # type: ignore[union-attr]
    assert spent
    assert sum(spent.values()) == total, spent
    wait_until(lambda: _usage(session) == spent, PATIENCE)


def _usage(session: UserSession) -> dict[str, int]:
    """What each call cost, in millionths of a USD, as the archive has it."""
    found = session.killable.api("GET", f"/usage?user_id={session.user_id}&limit=200")["items"]
    costs = defaultdict[str, Decimal](Decimal)
    for one in found:
        step = one["step"].partition("~")[0]  # what follows numbers its paid attempts in vain
        costs[f"{one['message_id']}/{step}"] += Decimal(one["cost"] or 0)
    return {
        call: int((cost * 1_000_000).to_integral_value(ROUND_CEILING))
        for call, cost in costs.items()
        if cost
    }
