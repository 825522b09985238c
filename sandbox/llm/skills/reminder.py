"""Reminders: set one, list them, cancel one."""

import re
from datetime import timedelta
from typing import Any

from sandbox.llm.failure_texts import missing_tool_text, tool_failure_text
from sandbox.llm.language import extract_stems
from sandbox.llm.prompt_context import ToolCall, ToolDefinition
from sandbox.llm.skill import Skill, SkillRequest, SkillScript
from sandbox.llm.time_expressions import TimeExpression, find_time_expression
from sandbox.llm.tool_result_parsing import ListItem, find_error, format_result, parse_items

_REMINDER_TRIGGER = re.compile(
    r"\b(?:please\s+)?remind(?:\s+(?:me|us))?\b|\bwake me(?: up)?\b"
    r"|\b(?:set|create|add|make)\s+(?:me\s+)?(?:a|another)?\s*reminder\b|^\W*(?:a\s+)?reminder\b"
    r"|\bнапомни(?:те|ть)?(?:\s+мне)?\b|\bнапоминай(?:те)?(?:\s+мне)?\b|\bразбуди(?:те)?(?:\s+меня)?\b"
    r"|\b(?:поставь|создай|добавь|сделай)\s+напоминание\b|^\W*напоминание\b",
    re.IGNORECASE,
)
_SCHEDULED_PROMPT_TRIGGER = re.compile(
    r"^\W*(?:please\s+)?"
    r"(?:every|each|daily|кажд\w+|ежедневно|по (?:будням|утрам|вечерам|выходным))\b"
    r".*\b(?:tell|send|give|check|write|show|report|ask"
    r"|присылай|рассказывай|говори|сообщай|проверяй|пиши|показывай|отправляй)\b",
    re.IGNORECASE | re.DOTALL,
)
_WAKE_UP_TRIGGER = re.compile(r"\bwake me|\bразбуди", re.IGNORECASE)
_LEADING_WORDS = re.compile(
    r"^(?:[\s,:—-]|(?:to|that|about|of|for|please|чтобы|о том|что|пожалуйста)\s)+",
    re.IGNORECASE,
)
_LIST_TRIGGER = re.compile(
    r"\b(?:list|show|see|what|which|any)\b.*\breminders\b|\bmy reminders\b"
    r"|\b(?:покажи|какие|список|все|есть)\b.*\bнапоминани\w+|\bмои напоминания\b",
    re.IGNORECASE | re.DOTALL,
)
_CANCEL_TRIGGER = re.compile(
    r"\b(?:cancel|delete|remove|drop)\b.*\breminders?\b"
    r"|\b(?:отмени\w*|удали\w*|убери\w*)\b.*\bнапоминани\w+",
    re.IGNORECASE | re.DOTALL,
)
_CANCEL_WORDS = re.compile(
    r"\b(?:cancel|delete|remove|drop|reminders?|my|the|отмени\w*|удали\w*|убери\w*|напоминани\w+|моё|мое)\b",
    re.IGNORECASE,
)
_ID = re.compile(r"#(\w+)|\b([0-9a-f]{8}-[0-9a-f-]{27})\b")


def _matches_create(request: SkillRequest) -> bool:
    return bool(
        _REMINDER_TRIGGER.search(request.text) or _SCHEDULED_PROMPT_TRIGGER.search(request.text)
    )


def _start_create(request: SkillRequest) -> SkillScript | str:
    tool = request.context.find_tool("create_reminder")
    if tool is None:
        return missing_tool_text(request, "reminders", "для напоминаний")
    when = find_time_expression(request.text, request.context.now)
    if when is None:
        return request.localize(
            "When shall I remind you? For example: “Remind me in 20 seconds to stretch”.",
            "Когда напомнить? Например: «Напомни через 20 секунд размяться».",
        )
    text = _extract_text(request, when)
    if not text:
        return request.localize(
            "What shall I remind you of? For example: “Remind me tomorrow at 9 to call Ann”.",
            "О чём напомнить? Например: «Напомни завтра в 9 позвонить Ане».",
        )
    return _create_reminder(request, tool, when, text)


def _extract_text(request: SkillRequest, when: TimeExpression) -> str:
    """What to remind of, in the user's words."""
    text = _LEADING_WORDS.sub(
        "", _REMINDER_TRIGGER.sub(" ", when.remaining_text, count=1).strip() + " "
    )
    text = re.sub(r"\s+", " ", text).strip(" ,.!?:;—-")
    if not text and _WAKE_UP_TRIGGER.search(request.text):
        return request.localize("Wake up!", "Подъём!")
    return text


def _create_reminder(
    request: SkillRequest, tool: ToolDefinition, when: TimeExpression, text: str
) -> SkillScript:
    time = _build_time_arguments(request, tool, when)
    if time is None:
        return request.localize(
            "My reminder tool here cannot do that kind of schedule.",
            "Мой инструмент напоминаний здесь так не умеет.",
        )
    is_scheduled_prompt = not _REMINDER_TRIGGER.search(request.text) and tool.has_parameter(
        "prompt"
    )
    arguments = {"text": text, **time, **({"prompt": True} if is_scheduled_prompt else {})}
    result = yield ToolCall(tool.name, arguments)
    error = find_error(result)
    if error is not None:
        return tool_failure_text(request, error)
    time_phrase = when.phrase
    if is_scheduled_prompt:
        return request.localize(
            f"All right, {time_phrase}: “{text}”.", f"Хорошо, {time_phrase}: «{text}»."
        )
    return request.localize(
        f"All right, I will remind you {time_phrase}: “{text}”.",
        f"Хорошо, напомню {time_phrase}: «{text}».",
    )


def _build_time_arguments(
    request: SkillRequest, tool: ToolDefinition, when: TimeExpression
) -> dict[str, Any] | None:
    """The one time argument that the tool's schema has."""
    now = request.context.now.replace(tzinfo=None)
    if when.cron:
        return {"cron": when.cron} if tool.has_parameter("cron") else None
    at = when.at or now + timedelta(seconds=when.in_seconds or 0)
    seconds = when.in_seconds or int((at - now).total_seconds())
    if when.in_seconds and tool.has_parameter("in_seconds"):
        return {"in_seconds": when.in_seconds}
    if tool.has_parameter("at"):
        return {"at": at.isoformat(timespec="seconds")}
    return {"in_seconds": seconds} if tool.has_parameter("in_seconds") else None


def _start_list(request: SkillRequest) -> SkillScript | str:
    tool = request.context.find_tool("list_reminders")
    if tool is None:
        return missing_tool_text(request, "listing reminders", "для списка напоминаний")
    return _list_reminders(request, tool)


def _list_reminders(request: SkillRequest, tool: ToolDefinition) -> SkillScript:
    result = yield ToolCall(tool.name, {})
    error = find_error(result)
    if error is not None:
        return tool_failure_text(request, error)
    found = parse_items(result)
    if not found:
        return format_result(result) if is_plain_text(result) else _no_reminders_text(request)
    head = request.localize("Your reminders:", "Ваши напоминания:")
    return "\n".join((head, "", *(f"- {item.text}" for item in found)))


def is_plain_text(result: str) -> bool:
    """Whether a tool has answered in words."""
    return bool(result.strip()) and result.strip()[0] not in "[{"


def _no_reminders_text(request: SkillRequest) -> str:
    return request.localize("You have no reminders.", "Напоминаний нет.")


def _start_cancel(request: SkillRequest) -> SkillScript | str:
    tool = request.context.find_tool("cancel_reminder")
    if tool is None:
        return missing_tool_text(request, "cancelling reminders", "для отмены напоминаний")
    named = _ID.search(request.text)
    if named:
        return _cancel_reminder(request, tool, ListItem(named[1] or named[2], ""))
    listing = request.context.find_tool("list_reminders")
    if listing is None:
        return request.localize("Which one? I need its id.", "Какое именно? Мне нужен его id.")
    return _find_and_cancel(request, tool, listing)


def _find_and_cancel(
    request: SkillRequest, tool: ToolDefinition, listing: ToolDefinition
) -> SkillScript:
    result = yield ToolCall(listing.name, {})
    error = find_error(result)
    if error is not None:
        return tool_failure_text(request, error)
    found = parse_items(result)
    wanted = extract_stems(_CANCEL_WORDS.sub(" ", request.text))
    matching = [item for item in found if not wanted or wanted & extract_stems(item.text)]
    if len(matching) == 1:
        return (yield from _cancel_reminder(request, tool, matching[0]))
    if not found:
        return _no_reminders_text(request)
    head = request.localize("Which one do you mean?", "Какое именно?")
    return "\n".join((head, "", *(f"- {item.text}" for item in matching or found)))


def _cancel_reminder(request: SkillRequest, tool: ToolDefinition, item: ListItem) -> SkillScript:
    result = yield ToolCall(tool.name, {"id": item.id})
    error = find_error(result)
    if error is not None:
        return tool_failure_text(request, error)
    name = f" “{item.text}”" if item.text else ""
    return request.localize(
        f"The reminder{name} is cancelled.",
        f"Напоминание{name.replace('“', '«').replace('”', '»')} отменено.",
    )


CREATE_REMINDER = Skill(_matches_create, _start_create)
LIST_REMINDERS = Skill(lambda request: bool(_LIST_TRIGGER.search(request.text)), _start_list)
CANCEL_REMINDER = Skill(lambda request: bool(_CANCEL_TRIGGER.search(request.text)), _start_cancel)
