"""What list_tasks answers, and how a task is told."""

import re
from dataclasses import dataclass
from datetime import datetime

from sandbox.llm.dates import format_long_date
from sandbox.llm.language import extract_stems
from sandbox.llm.skill import SkillRequest

_LINE = re.compile(
    r"^- (?P<title>.+?)(?: \[due \w{3} (?P<due>[\d-]{10} \d\d:\d\d)\])?"
    r"(?: \[(?:done|cancelled)\])?(?: \[(?P<priority>high|low)\])? \(id (?P<id>[0-9a-f-]{36})\)$",
    re.MULTILINE,
)
_END_OF_DAY = "23:59"


@dataclass(frozen=True)
class ListedTask:
    """A line of the list; `due` is the user's local time."""

    id: str
    title: str
    due: datetime | None
    priority: str


def parse_tasks(result: str) -> list[ListedTask]:
    """The tasks of a list."""
    return [
        ListedTask(
            line["id"],
            line["title"],
            datetime.fromisoformat(line["due"]) if line["due"] else None,
            line["priority"] or "",
        )
        for line in _LINE.finditer(result)
    ]


def find_best_matches(tasks: list[ListedTask], text: str) -> list[ListedTask]:
    """Those whose titles have most of the words; without words all."""
    wanted = extract_stems(text)
    if not wanted:
        return tasks
    scores = [(len(wanted & extract_stems(task.title)), task) for task in tasks]
    best = max((score for score, _ in scores), default=0)
    return [task for score, task in scores if score == best > 0]


def describe_task(request: SkillRequest, task: ListedTask) -> str:
    """“buy milk (due Friday, 27 November, urgent)”."""
    notes = [describe_due(request, task.due)] if task.due else []
    if task.priority:
        is_high = task.priority == "high"
        notes.append(
            request.localize("urgent", "срочно")
            if is_high
            else request.localize("can wait", "не к спеху")
        )
    return f"{task.title} ({'; '.join(notes)})" if notes else task.title


def describe_due(request: SkillRequest, due: datetime) -> str:
    """When it is due; the end of a day is the day."""
    at = f"{due:%H:%M}"
    when = format_long_date(request, due) + ("" if at == _END_OF_DAY else f", {at}")
    return request.localize(f"due {when}", f"срок: {when}")
