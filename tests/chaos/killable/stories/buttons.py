"""Stories in which users press the buttons of reminders and lists, which tg_bot answers itself."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from smart_kit.testing.suite_harness import wait_until
from tests.chaos.killable.stories.users import chat, due_reminder, reminder
from tests.chaos.killable.user_session import TIMEOUT_SECONDS, UserSession


def answered_reminders(session: UserSession) -> None:
    """A user lets a reminder come again, takes that back, and marks another reminder as done."""
    due_reminder(session)
    text, _ = session.expected_alarms[-1]
    _press_and_wait(session, f"⏰.*{text}", r"\+10 min", rf"^✓ Reminder: .*{text}")
    session.send_and_wait("/undo", rf"↩ Reminder removed: .*{text}")
    due_reminder(session)
    text, _ = session.expected_alarms[-1]
    _press(session, f"⏰.*{text}", "Done")
    session.expected_alarms[-1] = (text, "✅")
    session.wait_for_message(*session.expected_alarms[-1])
    chat(session)


def listed_records(session: UserSession) -> None:
    """A user cancels a reminder and finishes a task by the buttons of their lists."""
    reminder(session)
    (text,) = session.expected_reminders
    session.send_and_wait("/reminders", "Your reminders:", text, turns=0)
    _press_and_wait(session, "Your reminders:", "✕ 1", rf"^✓ Reminder cancelled: .*{text}")
    session.expected_reminders.clear()
    title = f"feed dog {session.next_number}"
    session.expected_tasks.add(title)
    session.send_and_wait(f"Add a task: {title}", title, "✓ Task")
    session.send_and_wait("/tasks", "Your open tasks:", title, turns=0)
    _press_and_wait(session, "Your open tasks:", "✓ 1", f"^✓ Task done: {title}")
    chat(session)


def moved_reminder(session: UserSession) -> None:
    """A user moves to another time zone and takes a reminder along."""
    chat(session)
    session.killable.call_api("PATCH", f"/users/{session.user_id}", {"timezone": "Asia/Tokyo"})
    text = f"water plant {session.next_number}"
    session.expected_reminders.add(text)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    body = {
        "user_id": session.user_id,
        "text": text,
        "local_at": f"{tomorrow:%Y-%m-%d}T09:00:00",
        "timezone": "Asia/Tokyo",
    }
    session.killable.call_api("POST", "/cron-jobs", body)
    session.send_and_wait("/timezone Lisbon", "Europe/Lisbon", text, turns=0)
    changed = rf"^✓ Reminder changed: .* Europe/Lisbon — {text}"
    _press_and_wait(session, "Should it come", "Yes", changed)
    chat(session)


def _press_and_wait(session: UserSession, message: str, label: str, *patterns: str) -> None:
    """Press a button, and wait for an answer that matches the patterns."""
    session.expected_answers.append(patterns)
    _press(session, message, label)
    session.wait_for_message(*patterns)


def _press(session: UserSession, message: str, label: str) -> None:
    """Press the button with a matching label under the newest message that matches."""
    wait_until(lambda: bool(_find_messages(session, message)), TIMEOUT_SECONDS)
    *_, found = _find_messages(session, message)
    rows = found["reply_markup"]["inline_keyboard"]
    button = next(one for row in rows for one in row if re.match(label, one["text"]))
    body = {"message_id": found["message_id"], "data": button["callback_data"]}
    path = f"/chat/{session.user.telegram_id}/buttons"
    session.user.http.post(path, json=body).raise_for_status()


def _find_messages(session: UserSession, pattern: str) -> list[dict[str, Any]]:
    """Return the messages with buttons whose text matches."""
    return [
        message
        for message in session.user.get_messages()
        if message.get("reply_markup") and re.search(pattern, message["text"])
    ]
