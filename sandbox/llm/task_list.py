"""What list_tasks answers, and how a task is told."""

import re
from dataclasses import dataclass
from datetime import datetime

from sandbox.llm.dates import long_date
from sandbox.llm.language import stems
from sandbox.llm.skill import Request

_LINE = re.compile(
    r"^- (?P<title>.+?)(?: \[due \w{3} (?P<due>[\d-]{10} \d\d:\d\d)\])?"
    r"(?: \[(?:done|cancelled)\])?(?: \[(?P<priority>high|low)\])? \(id (?P<id>[0-9a-f-]{36})\)$",
    re.MULTILINE,
)
_END_OF_DAY = "23:59"


@dataclass(frozen=True)
class Task:
    """A line of the list; `due` is the user's local time."""

    id: str
    title: str
    due: datetime | None
    priority: str


def read_tasks(result: str) -> list[Task]:
    """The tasks of a list."""
    return [
        Task(
            line["id"],
            line["title"],
            datetime.fromisoformat(line["due"]) if line["due"] else None,
            line["priority"] or "",
        )
        for line in _LINE.finditer(result)
    ]


def best_matches(tasks: list[Task], words: str) -> list[Task]:
    """Those whose titles have most of the words; without words all."""
    wanted = stems(words)
    if not wanted:
        return tasks
    scores = [(len(wanted & stems(task.title)), task) for task in tasks]
    best = max((score for score, _ in scores), default=0)
    return [task for score, task in scores if score == best > 0]


def told(request: Request, task: Task) -> str:
    """“buy milk (due Friday, 27 November, urgent)”."""
    notes = [due_words(request, task.due)] if task.due else []
    if task.priority:
        is_high = task.priority == "high"
        notes.append(
            request.say("urgent", "срочно") if is_high else request.say("can wait", "не к спеху")
        )
    return f"{task.title} ({'; '.join(notes)})" if notes else task.title


def due_words(request: Request, due: datetime) -> str:
    """When it is due; the end of a day is the day."""
    at = f"{due:%H:%M}"
    when = long_date(request, due) + ("" if at == _END_OF_DAY else f", {at}")
    return request.say(f"due {when}", f"срок: {when}")
