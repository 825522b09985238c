"""Stories in which users select an assistant or a model by a button, and use it."""

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

PROMPTS = {"assistant": "Who should answer you", "model": "Which model should answer you"}
"""By command: the beginning of the message with the buttons."""
UNKNOWN_OUTCOME = "is not known"
"""Said by the bot if a kill makes it impossible to know whether a tool call took effect."""


def streamed_answer(session: UserSession) -> None:
    """An answer is shown as a draft while it is streamed, and then sent once."""
    select_option(session, "model", SLOW_MODEL)
    number = session.next_number
    session.send_and_wait(f"what is {number} + 1 + 1 + 1 + 1 + 1 + 1 + 1?", rf"= {number + 7}\b")
    page = session.user.http.get(f"/chat/{session.user.telegram_id}/messages")
    assert page.raise_for_status().json()["draft"] is None


def external_tools(session: UserSession) -> None:
    """A tool that writes outside is called at most once, and one that reads uses its cache."""
    select_option(session, "assistant", DOORMAN_ASSISTANT)
    call_bell(session)
    call_dial_twice(session)


def call_bell(session: UserSession) -> None:
    """Call the tool that writes, and assert that the user learns whether it took effect."""
    word = f"ding{session.user.telegram_id}x{session.next_number}"
    session.send_and_wait(f"use ring bell “{word}”", f"rang {word}|{UNKNOWN_OUTCOME}")
    chat(session)
    bell_count = session.killable.external_server.bell_words.count(word)
    received = session.get_received_texts()
    is_reported = any(f"rang {word}" in text for text in received)
    assert bell_count <= 1, f"{word} rang {bell_count} times"
    assert bell_count == 1 or not is_reported, received
    assert is_reported or any(UNKNOWN_OUTCOME in text for text in received), received


def call_dial_twice(session: UserSession) -> None:
    """Call the tool that reads twice, and assert that only a kill makes it read twice."""
    word = f"dial{session.user.telegram_id}x{session.next_number}"
    start_index = len(session.killable.read_passed_points())
    for _ in range(2):
        session.send_and_wait(f"use read dial “{word}”", f"stands at {word}")
    chat(session)
    kill_count = len(parse_kills(session.killable.read_passed_points()[start_index:]))
    assert 1 <= session.killable.external_server.dial_words.count(word) <= 1 + kill_count


def budgeted_user(session: UserSession) -> None:
    """A user with a daily budget uses a priced model, and each call is charged once."""
    chat(session)
    session.killable.call_api("PATCH", f"/users/{session.user_id}", {"daily_budget": "10"})
    select_option(session, "model", PRICED_MODEL)
    reminder(session)
    _assert_budget_matches_usage(session)


def select_option(session: UserSession, command: str, label: str) -> None:
    """Send the command, and press the button with the label in the newest answer to it."""
    add_admin_fixtures(session.killable)
    chat(session)
    session.send_and_wait(f"/{command}", PROMPTS[command], turns=0)
    *_, message = (
        message for message in session.user.get_messages() if message.get("reply_markup")
    )
    rows = message["reply_markup"]["inline_keyboard"]
    button = next(button for row in rows for button in row if label in button["text"])
    patterns = (f"From now on.* {label} will answer you",)
    session.expected_answers.append(patterns)
    body = {"message_id": message["message_id"], "data": button["callback_data"]}
    session.user.http.post(
        f"/chat/{session.user.telegram_id}/buttons", json=body
    ).raise_for_status()
    session.wait_for_message(*patterns)


def _assert_budget_matches_usage(session: UserSession) -> None:
    """Assert that the budget in Redis and the archived usage agree on the cost of each call."""
    spent: dict[str, int] = {}
    total = 0
    # a key for each day: there are two around midnight
    for key in session.killable.redis.scan_iter(f"budget:{session.user_id}:*"):
        calls = session.killable.redis.hgetall(key)
        total += int(calls.pop("total"))  # type: ignore[union-attr]
        spent |= {name: int(cost) for name, cost in calls.items()}  # type: ignore[union-attr]
    assert spent
    assert sum(spent.values()) == total, spent
    wait_until(lambda: _get_usage(session) == spent, TIMEOUT_SECONDS)


def _get_usage(session: UserSession) -> dict[str, int]:
    """Return the archived cost of each call, in millionths of a USD."""
    path = f"/usage?user_id={session.user_id}&limit=200"
    costs = defaultdict[str, Decimal](Decimal)
    for row in session.killable.call_api("GET", path)["items"]:
        # `<step>~<n>` is a failed attempt that was charged nevertheless
        step = row["step"].partition("~")[0]
        costs[f"{row['message_id']}/{step}"] += Decimal(row["cost"] or 0)
    return {
        call: int((cost * 1_000_000).to_integral_value(ROUND_CEILING))
        for call, cost in costs.items()
        if cost
    }
