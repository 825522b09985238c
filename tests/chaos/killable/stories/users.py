"""Stories of ordinary users: chat, commands, reminders and tasks."""

from datetime import UTC, datetime, timedelta

from tests.chaos.killable.user_session import UserSession

COMMAND_FAILED = "didn't work just now"
"""The answer to a command that tg_bot handles itself if rest_service is killed during it."""


def chat(session: UserSession) -> None:
    """A user sends a message that needs no tool."""
    number = session.next_number
    session.send_and_wait(f"what is {number} + 1?", rf"= {number + 1}\b")


def new_user(session: UserSession) -> None:
    """A new user sends a message: the assistant creates the user in rest_service."""
    chat(session.create_other())


def start_command(session: UserSession) -> None:
    """A new user sends /start: tg_bot creates the user in rest_service."""
    other = session.create_other()
    other.send_and_wait("/start", f"Hello|{COMMAND_FAILED}", turns=0)
    chat(other)


def invalid_invite(session: UserSession) -> None:
    """A user who has access anyway sends /start with an invalid invite code."""
    session.send_and_wait("/start nosuchcode", f"Hello|{COMMAND_FAILED}", turns=0)
    chat(session)


def rich_text_toggle(session: UserSession) -> None:
    """A user changes a setting, which tg_bot stores in rest_service."""
    session.send_and_wait("/rich off", f"plain text|{COMMAND_FAILED}", turns=0)
    chat(session)
    session.send_and_wait("/rich on", f"are formatted|{COMMAND_FAILED}", turns=0)
    chat(session)


def reminder(session: UserSession) -> None:
    """A user creates a reminder that does not become due during the test."""
    text = f"feed cat {session.next_number}"
    session.expected_reminders.add(text)
    session.send_and_wait(f"remind me in 3 hours to {text}", text, "✓ Reminder")


def due_reminder(session: UserSession) -> None:
    """A user creates a reminder, and receives it when it is due."""
    text = f"stretch leg {session.next_number}"
    session.expected_reminders.add(text)
    session.send_and_wait(f"remind me in 1 second to {text}", text, "✓ Reminder")
    session.expected_alarms.append((text, "⏰"))
    session.wait_for_message(*session.expected_alarms[-1])


def changed_reminder(session: UserSession) -> None:
    """A user gives a reminder another time, and cancels it."""
    reminder(session)
    session.killable.call_api("PATCH", f"/users/{session.user_id}", {"timezone": "Asia/Tokyo"})
    (text,) = session.expected_reminders
    postponed = f"move the reminder to {text} by 2 hours"
    session.send_and_wait(postponed, text, "✓ Reminder changed")
    session.send_and_wait(f"cancel the reminder to {text}", text, "✓ Reminder cancelled")
    session.expected_reminders.clear()


def asked_time_zone(session: UserSession) -> None:
    """A user writes where they live before a request is answered that depends on it."""
    text = f"water plant {session.next_number}"
    session.expected_reminders.add(text)
    session.send_and_wait(f"remind me tomorrow at 9 to {text}", "Which time zone are you in")
    session.send_and_wait("/timezone Lisbon", text, "✓ Time zone: Europe/Lisbon", "✓ Reminder")


def task(session: UserSession) -> None:
    """A user creates a task and completes it."""
    title = f"buy milk {session.next_number}"
    session.expected_tasks.add(title)
    session.send_and_wait(f"Add a task: {title}", title, "✓ Task")
    session.send_and_wait(f"Mark the task {title} as done", title, "✓ Task done")


def undo(session: UserSession) -> None:
    """A user creates a reminder and undoes that."""
    reminder(session)
    session.expected_reminders.discard(f"feed cat {session.next_number - 1}")
    session.send_and_wait("/undo", "↩")
    chat(session)


def new_thread(session: UserSession) -> None:
    """A user starts a new thread; the second message there meets the mark of an empty history."""
    session.send_and_wait("/new", "A new conversation", turns=0)
    chat(session)
    chat(session)


def formatted_answer(session: UserSession) -> None:
    """The answer contains a table, which needs a rich message."""
    session.send_and_wait("show me markdown", "Markdown, all of it")
    chat(session)


def long_answer(session: UserSession) -> None:
    """The answer is too long for one Telegram message and is sent as two."""
    end = f"end{session.next_number}"
    session.send_and_wait("zebra " * 680 + end, "have no rule for")
    session.expected_answers.append(("Your previous message was",))
    session.send_and_wait("What was my previous message?", f"{end}”")
    chat(session)


def scheduled_prompt(session: UserSession) -> None:
    """A scheduled job sends a prompt to the assistant, and the user receives the answer."""
    chat(session)
    number = session.next_number
    text = f"what is {number} + 1?"
    session.expected_reminders.add(text)
    session.expected_answers.append((rf"= {number + 1}\b",))
    session.expected_turns += 1
    soon = datetime.now(UTC) + timedelta(seconds=1)
    body = {"user_id": session.user_id, "type": "prompt", "text": text, "at": soon.isoformat()}
    session.killable.call_api("POST", "/cron-jobs", body)
    session.wait_for_message(*session.expected_answers[-1])
