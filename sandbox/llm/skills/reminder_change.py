"""Reminders: change the time or the text of one, and let a delivered one come again."""

import re
from collections.abc import Generator
from datetime import datetime

from sandbox.llm.language import extract_stems
from sandbox.llm.prompt_parsing import ToolCall
from sandbox.llm.skill import Skill, SkillRequest, SkillScript, build_matcher
from sandbox.llm.skills.reminder_list import get_no_reminders_text
from sandbox.llm.skills.reminder_times import NewTime, find_new_time, resolve_new_time
from sandbox.llm.task_and_reminder_lists import ListEntry, parse_entries, select_entry
from sandbox.llm.time_expressions.duration import Duration

_CHANGE_TRIGGER = re.compile(
    r"(?is)\b(?:move|reschedule|change|postpone|shift|push|delay|edit|rename)\b.*"
    r"\b(?:reminder|alarm)\b|\b(?:set|make)\s+(?:the|my)\b.*\breminder\b"
    r"|\b(?:перенеси|передвинь|измени|поменяй|сдвинь|отложи|переставь|переименуй)\w*\b.*"
    r"\b(?:напоминани\w+|будильник)\b"
    r"|^\W*(?:please\s+)?(?:move|reschedule|postpone)\b(?!.*\b(?:tasks?|deadline)\b).*\bto\b"
    r"|^\W*(?:перенеси|передвинь|сдвинь)\w*\b(?!.*\b(?:задач\w+|срок\w*)\b).*\bна\b"
)
_SNOOZE_TRIGGER = re.compile(r"(?i)^\W*(?:please\s+)?(?:snooze|отложи(?:те)?)\b")
_AGAIN_TRIGGER = re.compile(
    r"(?i)\bremind me(?:\s+(?:about|of)\s+(?:this|that|it))?\s+(?:again|later|once more)\b"
    r"|\bнапомни(?:те)?(?:\s+мне)?(?:\s+(?:об этом|про это))?"
    r"\s+(?:ещё раз|еще раз|снова|опять|позже|попозже|потом)\b"
)
_NEW_TEXT = re.compile(
    r"(?is)\b(?:rename|text)\b(?P<en_which>.{0,300}?\breminder\b.{0,300}?)\b(?:to|into)\s+(?P<en>.+)$"
    r"|\b(?:переименуй\w*|текст)\b(?P<ru_which>.{0,300}?\bнапоминани\w{1,4}\b.{0,300}?)\b(?:в|на)\s+(?P<ru>.+)$"
)
_COMMAND_WORDS = re.compile(
    r"(?i)\b(?:move|reschedule|change|postpone|shift|push|delay|edit|rename|set|make|snooze|remind"
    r"|reminder|alarm|again|later|once more|time|back|from|my|the|this|that|please|until|till"
    r"|перенеси\w*|передвинь\w*|измени\w*|поменяй\w*|сдвинь\w*|отложи\w*|переставь\w*|напомни\w*"
    r"|будильник|время|ещё раз|еще раз|снова|опять|позже|попозже|потом|моё|мое|это|этом)\b"
)
_DEFAULT_SNOOZE = Duration((0, 0), seconds=600)


def _change(request: SkillRequest) -> SkillScript:
    tool = request.require_tool("change_reminder")
    if renamed := _NEW_TEXT.search(request.text):
        which = renamed["en_which"] or renamed["ru_which"]
        entry = _select(request, (yield from _list_entries(request)), which)
        text = (renamed["en"] or renamed["ru"]).strip(' .!“”"«»')
        yield from request.call_tool(tool, id=entry.id, text=text)
        return request.localize(f"Now it is “{text}”.", f"Теперь это «{text}».")
    new = find_new_time(request)
    if new is None:
        return request.localize(
            "When should it come? For example: “Move the reminder about the dentist to 10”.",
            "На когда? Например: «Перенеси напоминание про врача на 10».",
        )
    entry = _select(request, (yield from _list_entries(request)), new.remaining_text)
    return (yield from _set_time(request, entry, new))


def _snooze(request: SkillRequest) -> SkillScript:
    """Put off the named reminder, else the one that was delivered last."""
    new = find_new_time(request) or NewTime(request.text, shift=_DEFAULT_SNOOZE)
    entries = yield from _list_entries(request)
    delivered = [entry for entry in entries if entry.delivered_at is not None]
    if delivered and not extract_stems(_strip_command(new.remaining_text)):
        entry = max(delivered, key=lambda one: one.delivered_at or datetime.min)
    else:
        entry = _select(request, entries, new.remaining_text)
    return (yield from _set_time(request, entry, new))


def _list_entries(request: SkillRequest) -> Generator[ToolCall, str, list[ListEntry]]:
    tool = request.require_tool("list_reminders")
    return parse_entries((yield from request.call_tool(tool)))


def _select(request: SkillRequest, entries: list[ListEntry], text: str) -> ListEntry:
    which = request.localize("Which one do you mean?", "Какое именно?")
    none_text = get_no_reminders_text(request)
    return select_entry(request, entries, _strip_command(text), none_text, which)


def _strip_command(text: str) -> str:
    """Return what a text says about the reminder that is meant."""
    return _COMMAND_WORDS.sub(" ", text)


def _set_time(request: SkillRequest, entry: ListEntry, new: NewTime) -> SkillScript:
    arguments = resolve_new_time(request, entry, new)
    if entry.is_recurring and "in_seconds" in arguments:  # once more, beside the recurring one
        tool, prompt = request.require_tool("create_reminder"), entry.is_prompt or None
        yield from request.call_tool(tool, text=entry.title, **arguments, prompt=prompt)
        return request.localize(
            f"I will remind you once more: “{entry.title}”.",
            f"Напомню ещё раз: «{entry.title}».",
        )
    tool = request.require_tool("change_reminder")
    yield from request.call_tool(tool, id=entry.id, **arguments)
    return request.localize(
        f"The reminder “{entry.title}” has a new time.",
        f"У напоминания «{entry.title}» новое время.",
    )


def _asks_for_another_time(request: SkillRequest) -> bool:
    """Return whether a reminder is to come again, and not one with another text."""
    if not _AGAIN_TRIGGER.search(request.text):
        return False
    new = find_new_time(request)
    text = new.remaining_text if new else request.text
    return not extract_stems(_strip_command(_AGAIN_TRIGGER.sub(" ", text)))


CHANGE_REMINDER = Skill(build_matcher(_CHANGE_TRIGGER), _change)
SNOOZE_REMINDER = Skill(
    lambda request: bool(_SNOOZE_TRIGGER.search(request.text)) or _asks_for_another_time(request),
    _snooze,
)
