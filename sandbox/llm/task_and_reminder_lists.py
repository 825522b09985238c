"""Lists of tasks and reminders: read from tool results, searched, shown to the user."""

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import date, datetime

from sandbox.llm.language import extract_stems, format_long_date
from sandbox.llm.prompt_parsing import ToolCall, ToolDefinition
from sandbox.llm.skill import SkillError, SkillRequest, SkillScript

_TIME = r"[\d-]{10} \d\d:\d\d"
_LINE = re.compile(
    rf"(?m)^- (?P<title>.+?)(?: \[due \w{{3}} (?P<due>{_TIME})\])?"
    r"(?: \[(?:done|cancelled)\])?(?: \[(?P<priority>high|low)\])?"
    rf"(?: \[\w{{3}} (?P<at>{_TIME})\])?(?: \[delivered \w{{3}} (?P<delivered>{_TIME})\])?"
    r"(?: \[cron (?P<cron>[^\]]+)\])?(?: \[rrule (?P<rrule>[^\]]+)\])?"
    r"(?: \[at a time of [^\]]+\])?(?P<prompt> \[prompt\])?"
    r" \(id (?P<id>[0-9a-f-]{36})\)$"
)
_END_OF_DAY = "23:59"
_ENDING = re.compile("[аеиоуыюяйьs]$")
"""Of nouns whose stem is shorter than those of extract_stems: воду, воде; bin, bins."""


@dataclass(frozen=True)
class ListEntry:
    """A line of a list; all times are the user's local ones."""

    id: str
    title: str
    due: datetime | None
    priority: str
    at: datetime | None = None
    """When a reminder comes next."""
    delivered_at: datetime | None = None
    """When it came lately."""
    cron: str | None = None
    rrule: str | None = None
    is_prompt: bool = False

    @property
    def is_delivered(self) -> bool:
        """Whether the reminder came and will not come again."""
        return self.at is None and self.delivered_at is not None

    @property
    def is_recurring(self) -> bool:
        """Whether the reminder comes again and again."""
        return self.cron is not None or self.rrule is not None


def parse_entries(result: str) -> list[ListEntry]:
    """Return the entries of a tool result, such as that of list_tasks."""
    return [
        ListEntry(
            line["id"],
            line["title"],
            _parse_time(line["due"]),
            line["priority"] or "",
            _parse_time(line["at"]),
            _parse_time(line["delivered"]),
            cron=line["cron"],
            rrule=line["rrule"],
            is_prompt=line["prompt"] is not None,
        )
        for line in _LINE.finditer(result)
    ]


def _parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def show_entries(
    request: SkillRequest, tool: ToolDefinition, status: str | None, heading: str, none_text: str
) -> SkillScript:
    """Call a listing tool and return its entries below a heading."""
    entries = parse_entries((yield from request.call_tool(tool, status=status)))
    return _format_entries(request, heading, entries) if entries else none_text


def choose_entry(
    request: SkillRequest,
    tool: ToolDefinition,
    text: str,
    none_text: str,
    which_text: str,
    is_candidate: Callable[[ListEntry], bool] = lambda _: True,
) -> Generator[ToolCall, str, ListEntry]:
    """Return the one entry of a listing tool that the text names.

    Raises SkillError with `none_text` for an empty list, and with `which_text` and the candidates
    if several entries match.
    """
    entries = parse_entries((yield from request.call_tool(tool)))
    return select_entry(request, list(filter(is_candidate, entries)), text, none_text, which_text)


def select_entry(
    request: SkillRequest, entries: list[ListEntry], text: str, none_text: str, which_text: str
) -> ListEntry:
    """Return the one entry that the text names. Raises SkillError as choose_entry does."""
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
    scores = [_count_matches(stems, extract_stems(entry.title)) for entry in entries]
    return [entry for entry, score in zip(entries, scores, strict=True) if score == max(scores) > 0]


def _count_matches(stems: set[str], others: set[str]) -> int:
    """Count the stems in common; those with different endings count half."""
    without_ending = {_ENDING.sub("", stem) for stem in others}
    similar = {stem for stem in stems - others if _ENDING.sub("", stem) in without_ending}
    return 2 * len(stems & others) + len(similar)


def _format_entries(request: SkillRequest, heading: str, entries: list[ListEntry]) -> str:
    lines = [f"- {_describe_entry(request, entry)}" for entry in entries]
    return "\n".join((heading, "", *lines))


def _describe_entry(request: SkillRequest, entry: ListEntry) -> str:
    """Return, for example, “buy milk (due Friday, 27 November; urgent)”."""
    notes = [describe_due(request, entry.due)] if entry.due else []
    if at := entry.at or entry.delivered_at:
        notes.append(_describe_time(request, entry, at))
    if entry.is_prompt:
        notes.append(request.localize("a request to me", "запрос ко мне"))
    if entry.priority == "high":
        notes.append(request.localize("urgent", "срочно"))
    elif entry.priority:
        notes.append(request.localize("can wait", "не к спеху"))
    return f"{entry.title} ({'; '.join(notes)})" if notes else entry.title


def _describe_time(request: SkillRequest, entry: ListEntry, at: datetime) -> str:
    when = f"{format_long_date(request.context.language, at)}, {at:%H:%M}"
    if entry.is_delivered:
        return request.localize(f"delivered {when}", f"напомнил: {when}")
    if entry.is_recurring:
        return request.localize(f"repeats, next {when}", f"повторяется, ближайшее: {when}")
    return when


def describe_due(request: SkillRequest, due: date) -> str:
    """Return the due date or time; 23:59 stands for a day without a time."""
    when = format_long_date(request.context.language, due)
    if isinstance(due, datetime) and f"{due:%H:%M}" != _END_OF_DAY:
        when += f", {due:%H:%M}"
    return request.localize(f"due {when}", f"срок: {when}")
