"""What people do with what an administrator has added: they choose it by a button, and use it."""

from collections import defaultdict
from decimal import ROUND_CEILING, Decimal

from smart_kit.testing.suite_harness import wait_until
from tests.chaos.killable.admin_fixtures import (
    DOORMAN_ASSISTANT,
    PRICED_MODEL,
    SLOW_MODEL,
    add_admin_fixtures,
)
from tests.chaos.killable.killable_suite import parse_kills
from tests.chaos.killable.stories.users import chat, reminder
from tests.chaos.killable.user_session import TIMEOUT_SECONDS, UserSession

QUESTIONS = {"assistant": "Who should answer you", "model": "Which model should answer you"}
UNKNOWN_OUTCOME = "is not known"


def streamed_answer(session: UserSession) -> None:
    """An answer that is shown while it is written, and then is there once."""
    select_option(session, "model", SLOW_MODEL)
    number = session.next_number
    session.send_and_wait(f"what is {number} + 1 + 1 + 1 + 1 + 1 + 1 + 1?", rf"= {number + 7}\b")
    shown = session.user.http.get(f"/chat/{session.user.telegram_id}/messages")
    assert shown.raise_for_status().json()["draft"] is None


def external_tools(session: UserSession) -> None:
    """A tool that writes outside is called once at most, and its person told if nobody knows; what
    was read outside is read again from what was kept."""
    select_option(session, "assistant", DOORMAN_ASSISTANT)
    call_bell(session)
    call_dial_twice(session)


def call_bell(session: UserSession) -> None:
    """The doorman's bell."""
    word = f"ding{session.user.telegram_id}x{session.next_number}"
    session.send_and_wait(f"use ring bell “{word}”", f"rang {word}|{UNKNOWN_OUTCOME}")
    chat(session)
    bell_count, received = (
        session.killable.external_server.bell_words.count(word),
        session.get_received_texts(),
    )
    is_reported = any(f"rang {word}" in said for said in received)
    assert bell_count <= 1, f"{word} has rung {bell_count} times"
    assert bell_count == 1 or not is_reported, received
    assert is_reported or any(UNKNOWN_OUTCOME in said for said in received), received


def call_dial_twice(session: UserSession) -> None:
    """The doorman's dial, twice."""
    word, seen = (
        f"dial{session.user.telegram_id}x{session.next_number}",
        len(session.killable.read_passed_points()),
    )
    for _ in range(2):
        session.send_and_wait(f"use read dial “{word}”", f"stands at {word}")
    chat(session)
    kill_count = len(parse_kills(session.killable.read_passed_points()[seen:]))
    assert 1 <= session.killable.external_server.dial_words.count(word) <= 1 + kill_count


def budgeted_user(session: UserSession) -> None:
    """Somebody with a budget asks a model that costs, by the Responses API: a call counts once."""
    chat(session)
    session.killable.call_api("PATCH", f"/users/{session.user_id}", {"daily_budget": "10"})
    select_option(session, "model", PRICED_MODEL)
    reminder(session)
    _assert_budget_matches_usage(session)


def select_option(session: UserSession, what: str, label: str) -> None:
    """By a button of the question's newest letter."""
    add_admin_fixtures(session.killable)
    chat(session)
    session.send_and_wait(f"/{what}", QUESTIONS[what], turns=0)
    message = [one for one in session.user.get_messages() if one.get("reply_markup")][-1]
    rows = message["reply_markup"]["inline_keyboard"]
    button = next(one for row in rows for one in row if label in one["text"])
    patterns = (f"From now on.* {label} will answer you",)
    session.expected_answers.append(patterns)
    body = {"message_id": message["message_id"], "data": button["callback_data"]}
    session.user.http.post(
        f"/chat/{session.user.telegram_id}/buttons", json=body
    ).raise_for_status()
    session.wait_for_message(*patterns)


def _assert_budget_matches_usage(session: UserSession) -> None:
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
    wait_until(lambda: _get_usage(session) == spent, TIMEOUT_SECONDS)


def _get_usage(session: UserSession) -> dict[str, int]:
    """What each call cost, in millionths of a USD, as the archive has it."""
    found = session.killable.call_api("GET", f"/usage?user_id={session.user_id}&limit=200")["items"]
    costs = defaultdict[str, Decimal](Decimal)
    for one in found:
        step = one["step"].partition("~")[0]  # what follows numbers its paid attempts in vain
        costs[f"{one['message_id']}/{step}"] += Decimal(one["cost"] or 0)
    return {
        call: int((cost * 1_000_000).to_integral_value(ROUND_CEILING))
        for call, cost in costs.items()
        if cost
    }
