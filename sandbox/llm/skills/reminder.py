"""Reminders: create one, list them, cancel one."""

import re

from sandbox.llm.entry_list import choose_entry, show_entries
from sandbox.llm.prompt_context import ToolDefinition
from sandbox.llm.skill import (
    Skill,
    SkillRequest,
    SkillScript,
    call_tool,
    matches_any,
    require_tool,
)
from sandbox.llm.time_expressions import TimeExpression, find_time_expression

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


def _start_create(request: SkillRequest) -> SkillScript | str:
    tool = require_tool(request, "create_reminder", "reminders", "для напоминаний")
    when = find_time_expression(request.text, request.context.now)
    if when is None:
        return request.localize(
            "When should I remind you? For example: “Remind me in 20 seconds to stretch”.",
            "Когда напомнить? Например: «Напомни через 20 секунд размяться».",
        )
    text = _extract_text(request, when)
    if not text:
        return request.localize(
            "What should I remind you of? For example: “Remind me tomorrow at 9 to call Ann”.",
            "О чём напомнить? Например: «Напомни завтра в 9 позвонить Ане».",
        )
    return _create_reminder(request, tool, when, text)


def _extract_text(request: SkillRequest, when: TimeExpression) -> str:
    """Return the reminder's text in the user's words."""
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
    is_scheduled_prompt = not _REMINDER_TRIGGER.search(request.text)
    arguments: dict[str, object] = {"text": text, **_build_time_argument(when)}
    if is_scheduled_prompt:
        arguments["prompt"] = True
    yield from call_tool(request, tool, arguments)
    if is_scheduled_prompt:
        return request.localize(
            f"All right, {when.phrase}: “{text}”.", f"Хорошо, {when.phrase}: «{text}»."
        )
    return request.localize(
        f"All right, I will remind you {when.phrase}: “{text}”.",
        f"Хорошо, напомню {when.phrase}: «{text}».",
    )


def _build_time_argument(when: TimeExpression) -> dict[str, object]:
    if when.cron:
        return {"cron": when.cron}
    if when.at:
        return {"at": when.at.isoformat(timespec="seconds")}
    return {"in_seconds": when.in_seconds}


def _start_list(request: SkillRequest) -> SkillScript:
    tool = require_tool(request, "list_reminders", "listing reminders", "для списка напоминаний")
    heading = request.localize("Your reminders:", "Ваши напоминания:")
    return show_entries(request, tool, {}, heading=heading, none_text=_no_reminders_text(request))


def _no_reminders_text(request: SkillRequest) -> str:
    return request.localize("You have no reminders.", "Напоминаний нет.")


def _cancel_reminder(request: SkillRequest) -> SkillScript:
    tool = require_tool(
        request, "cancel_reminder", "cancelling reminders", "для отмены напоминаний"
    )
    listing_tool = require_tool(
        request, "list_reminders", "listing reminders", "для списка напоминаний"
    )
    entry = yield from choose_entry(
        request,
        listing_tool,
        _CANCEL_WORDS.sub(" ", request.text),
        none_text=_no_reminders_text(request),
        which_text=request.localize("Which one do you mean?", "Какое именно?"),
    )
    yield from call_tool(request, tool, {"id": entry.id})
    return request.localize(
        f"The reminder “{entry.title}” is cancelled.", f"Напоминание «{entry.title}» отменено."
    )


CREATE_REMINDER = Skill(matches_any(_REMINDER_TRIGGER, _SCHEDULED_PROMPT_TRIGGER), _start_create)
LIST_REMINDERS = Skill(matches_any(_LIST_TRIGGER), _start_list)
CANCEL_REMINDER = Skill(matches_any(_CANCEL_TRIGGER), _cancel_reminder)
