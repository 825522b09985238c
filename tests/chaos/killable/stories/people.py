"""What people ask, and what has to come of it."""

from datetime import UTC, datetime, timedelta

from tests.chaos.killable.user_session import UserSession

TROUBLE = "did not work just now"
"""What an at-once command says, honestly, where rest_service dies while it is asked."""


def chat(session: UserSession) -> None:
    """A message without a tool."""
    number = session.number
    session.ask(f"what is {number} + 1?", rf"= {number + 1}\b")


def newcomer(session: UserSession) -> None:
    """Somebody whom rest_service hears of from the assistant."""
    chat(session.another())


def start(session: UserSession) -> None:
    """Somebody whom rest_service hears of from tg_bot."""
    other = session.another()
    other.ask("/start", f"Hello|{TROUBLE}", turns=0)
    chat(other)


def invitation(session: UserSession) -> None:
    """A code that is none, of somebody who may talk anyway."""
    session.ask("/start nosuchcode", f"Hello|{TROUBLE}", turns=0)
    chat(session)


def rich(session: UserSession) -> None:
    """A choice that tg_bot keeps through rest_service."""
    session.ask("/rich off", f"plain text|{TROUBLE}", turns=0)
    chat(session)
    session.ask("/rich on", f"with their layout|{TROUBLE}", turns=0)
    chat(session)


def reminder(session: UserSession) -> None:
    """A tool that writes; it is far from due."""
    text = f"feed cat {session.number}"
    session.reminders.add(text)
    session.ask(f"remind me in 3 hours to {text}", text, "✓ Reminder")


def alarm(session: UserSession) -> None:
    """A reminder that comes."""
    text = f"stretch leg {session.number}"
    session.reminders.add(text)
    session.ask(f"remind me in 1 second to {text}", text, "✓ Reminder")
    session.alarms.append((text, "⏰"))
    session.hear(*session.alarms[-1])


def task(session: UserSession) -> None:
    """Another tool that writes, and one that changes what it wrote."""
    title = f"buy milk {session.number}"
    session.tasks.add(title)
    session.ask(f"Add a task: {title}", title, "✓ Task")
    session.ask(f"Mark the task {title} as done", title, "✓ Task done")


def undo(session: UserSession) -> None:
    """The last change is taken back."""
    reminder(session)
    session.reminders.discard(f"feed cat {session.number - 1}")
    session.ask("/undo", "↩")
    chat(session)


def fresh_thread(session: UserSession) -> None:
    """Two messages after /new: the second finds the mark of a thread that was empty."""
    session.ask("/new", "A new conversation", turns=0)
    chat(session)
    chat(session)


def layout(session: UserSession) -> None:
    """An answer with a table."""
    session.ask("show me markdown", "Markdown, all of it")
    chat(session)


def long_answer(session: UserSession) -> None:
    """An answer in two messages."""
    end = f"end{session.number}"
    session.ask("zebra " * 680 + end, "beyond my rules")
    session.answers.append(("Your previous message was",))
    session.ask("What was my previous message?", f"{end}”")
    chat(session)


def scheduled_prompt(session: UserSession) -> None:
    """The secretary is asked by a job."""
    chat(session)
    number = session.number
    text = f"what is {number} + 1?"
    session.reminders.add(text)
    session.answers.append((rf"= {number + 1}\b",))
    session.turns += 1
    soon = datetime.now(UTC) + timedelta(seconds=1)
    body = {"user_id": session.user_id, "type": "prompt", "text": text, "at": soon.isoformat()}
    session.killable.api("POST", "/cron-jobs", body)
    session.hear(*session.answers[-1])
