"""Lists of tasks and reminders: read from tool results, searched, shown to the user."""

import re
from collections.abc import Generator
from dataclasses import dataclass
from datetime import date, datetime

from sandbox.llm.language import extract_stems, format_long_date
from sandbox.llm.prompt_parsing import ToolCall, ToolDefinition
from sandbox.llm.skill import SkillError, SkillRequest, SkillScript

_LINE = re.compile(
    r"(?m)^- (?P<title>.+?)(?: \[due \w{3} (?P<due>[\d-]{10} \d\d:\d\d)\])?"
    r"(?: \[(?:done|cancelled)\])?(?: \[(?P<priority>high|low)\])? \(id (?P<id>[0-9a-f-]{36})\)$"
)
_END_OF_DAY = "23:59"


@dataclass(frozen=True)
class ListEntry:
    """A line of a list; `due` is the user's local time."""

    id: str
    title: str
    due: datetime | None
    priority: str


def parse_entries(result: str) -> list[ListEntry]:
    """Return the entries of a tool result, such as that of list_tasks."""
    return [
        ListEntry(
            line["id"],
            line["title"],
            datetime.fromisoformat(line["due"]) if line["due"] else None,
            line["priority"] or "",
        )
        for line in _LINE.finditer(result)
    ]


def show_entries(
    request: SkillRequest, tool: ToolDefinition, status: str | None, heading: str, none_text: str
) -> SkillScript:
    """Call a listing tool and return its entries below a heading."""
    entries = parse_entries((yield from request.call_tool(tool, status=status)))
    return _format_entries(request, heading, entries) if entries else none_text


def choose_entry(
    request: SkillRequest, tool: ToolDefinition, text: str, none_text: str, which_text: str
) -> Generator[ToolCall, str, ListEntry]:
    """Return the one entry of a listing tool that the text names.

    Raises SkillError with `none_text` for an empty list, and with `which_text` and the candidates
    if several entries match.
    """
    entries = parse_entries((yield from request.call_tool(tool)))
    if not entries:
        raise SkillError(none_text)
    matching = _find_best_matches(entries, text)
    if len(matching) != 1:
        raise SkillError(_format_entries(request, which_text, matching or entries))
    return matching[0]


def _find_best_matches(entries: list[ListEntry], text: str) -> list[ListEntry]:
    """Return the entries whose titles share most stems with the text; all for an empty text."""
    stems = extract_stems(text)
    if not stems:
        return entries
    scores = [len(stems & extract_stems(entry.title)) for entry in entries]
    return [entry for entry, score in zip(entries, scores, strict=True) if score == max(scores) > 0]


def _format_entries(request: SkillRequest, heading: str, entries: list[ListEntry]) -> str:
    lines = [f"- {_describe_entry(request, entry)}" for entry in entries]
    return "\n".join((heading, "", *lines))


def _describe_entry(request: SkillRequest, entry: ListEntry) -> str:
    """Return, for example, “buy milk (due Friday, 27 November; urgent)”."""
    notes = [describe_due(request, entry.due)] if entry.due else []
    if entry.priority == "high":
        notes.append(request.localize("urgent", "срочно"))
    elif entry.priority:
        notes.append(request.localize("can wait", "не к спеху"))
    return f"{entry.title} ({'; '.join(notes)})" if notes else entry.title


def describe_due(request: SkillRequest, due: date) -> str:
    """Return the due date or time; 23:59 stands for a day without a time."""
    when = format_long_date(request.context.language, due)
    if isinstance(due, datetime) and f"{due:%H:%M}" != _END_OF_DAY:
        when += f", {due:%H:%M}"
    return request.localize(f"due {when}", f"срок: {when}")
