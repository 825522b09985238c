"""What people ask, and what has to come of it."""

from datetime import UTC, datetime, timedelta

from tests.chaos.killable.talk import Talk

TROUBLE = "did not work just now"
"""What an at-once command says, honestly, where rest_service dies while it is asked."""


def chat(talk: Talk) -> None:
    """A message without a tool."""
    number = talk.number
    talk.ask(f"what is {number} + 1?", rf"= {number + 1}\b")


def newcomer(talk: Talk) -> None:
    """Somebody whom rest_service hears of from the assistant."""
    chat(talk.another())


def start(talk: Talk) -> None:
    """Somebody whom rest_service hears of from tg_bot."""
    other = talk.another()
    other.ask("/start", f"Hello|{TROUBLE}", turns=0)
    chat(other)


def invitation(talk: Talk) -> None:
    """A code that is none, of somebody who may talk anyway."""
    talk.ask("/start nosuchcode", f"Hello|{TROUBLE}", turns=0)
    chat(talk)


def rich(talk: Talk) -> None:
    """A choice that tg_bot keeps through rest_service."""
    talk.ask("/rich off", f"plain text|{TROUBLE}", turns=0)
    chat(talk)
    talk.ask("/rich on", f"with their layout|{TROUBLE}", turns=0)
    chat(talk)


def reminder(talk: Talk) -> None:
    """A tool that writes; it is far from due."""
    text = f"feed cat {talk.number}"
    talk.reminders.add(text)
    talk.ask(f"remind me in 3 hours to {text}", text, "✓ Reminder")


def alarm(talk: Talk) -> None:
    """A reminder that comes."""
    text = f"stretch leg {talk.number}"
    talk.reminders.add(text)
    talk.ask(f"remind me in 1 second to {text}", text, "✓ Reminder")
    talk.alarms.append((text, "⏰"))
    talk.hear(*talk.alarms[-1])


def task(talk: Talk) -> None:
    """Another tool that writes, and one that changes what it wrote."""
    title = f"buy milk {talk.number}"
    talk.tasks.add(title)
    talk.ask(f"Add a task: {title}", title, "✓ Task")
    talk.ask(f"Mark the task {title} as done", title, "✓ Task done")


def undo(talk: Talk) -> None:
    """The last change is taken back."""
    reminder(talk)
    talk.reminders.discard(f"feed cat {talk.number - 1}")
    talk.ask("/undo", "↩")
    chat(talk)


def fresh_thread(talk: Talk) -> None:
    """Two messages after /new: the second finds the mark of a thread that was empty."""
    talk.ask("/new", "A new conversation", turns=0)
    chat(talk)
    chat(talk)


def layout(talk: Talk) -> None:
    """An answer with a table."""
    talk.ask("show me markdown", "Markdown, all of it")
    chat(talk)


def long_answer(talk: Talk) -> None:
    """An answer in two messages."""
    end = f"end{talk.number}"
    talk.ask("zebra " * 680 + end, "beyond my rules")
    talk.answers.append(("Your previous message was",))
    talk.ask("What was my previous message?", f"{end}”")
    chat(talk)


def scheduled_prompt(talk: Talk) -> None:
    """The secretary is asked by a job."""
    chat(talk)
    number = talk.number
    text = f"what is {number} + 1?"
    talk.reminders.add(text)
    talk.answers.append((rf"= {number + 1}\b",))
    talk.turns += 1
    soon = datetime.now(UTC) + timedelta(seconds=1)
    body = {"user_id": talk.user_id, "type": "prompt", "text": text, "at": soon.isoformat()}
    talk.stage.api("POST", "/cron-jobs", body)
    talk.hear(*talk.answers[-1])
