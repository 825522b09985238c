"""Reminders: create one, list them, cancel one."""

import re

from sandbox.llm.skill import Skill, SkillRequest, SkillScript, build_matcher
from sandbox.llm.task_and_reminder_lists import choose_entry, show_entries
from sandbox.llm.time_expressions import find_time_expression

_REMINDER_TRIGGER = re.compile(
    r"(?i)\b(?:please\s+)?remind(?:\s+(?:me|us))?\b|\bwake me(?: up)?\b"
    r"|\b(?:set|create|add|make)\s+(?:me\s+)?(?:a|another)?\s*reminder\b|^\W*(?:a\s+)?reminder\b"
    r"|\bнапомни(?:те|ть)?(?:\s+мне)?\b|\bнапоминай(?:те)?(?:\s+мне)?\b"
    r"|\bразбуди(?:те)?(?:\s+меня)?\b"
    r"|\b(?:поставь|создай|добавь|сделай)\s+напоминание\b|^\W*напоминание\b"
)
_SCHEDULED_PROMPT_TRIGGER = re.compile(
    r"(?is)^\W*(?:please\s+)?"
    r"(?:every|each|daily|кажд\w+|ежедневно|по (?:будням|утрам|вечерам|выходным))\b"
    r".*\b(?:tell|send|give|check|write|show|report|ask"
    r"|присылай|рассказывай|говори|сообщай|проверяй|пиши|показывай|отправляй)\b"
)
_WAKE_UP_TRIGGER = re.compile(r"(?i)\bwake me|\bразбуди")
_LEADING_WORDS = re.compile(
    r"(?i)^(?:[\s,:—-]|(?:to|that|about|of|for|please|чтобы|о том|что|пожалуйста)\s)+"
)
_LIST_TRIGGER = re.compile(
    r"(?is)\b(?:list|show|see|what|which|any)\b.*\breminders\b|\bmy reminders\b"
    r"|\b(?:покажи|какие|список|все|есть)\b.*\bнапоминани\w+|\bмои напоминания\b"
)
_CANCEL_TRIGGER = re.compile(
    r"(?is)\b(?:cancel|delete|remove|drop)\b.*\breminders?\b"
    r"|\b(?:отмени\w*|удали\w*|убери\w*)\b.*\bнапоминани\w+"
)
_CANCEL_WORDS = re.compile(
    r"(?i)\b(?:cancel|delete|remove|drop|reminders?|my|the"
    r"|отмени\w*|удали\w*|убери\w*|напоминани\w+|моё|мое)\b"
)


def _create(request: SkillRequest) -> SkillScript:
    tool = request.require_tool("create_reminder")
    when = find_time_expression(request.text, request.context.now)
    if when is None:
        return request.localize(
            "When should I remind you? For example: “Remind me in 20 seconds to stretch”.",
            "Когда напомнить? Например: «Напомни через 20 секунд размяться».",
        )
    text = _extract_text(request, when.remaining_text)
    if not text:
        return request.localize(
            "What should I remind you of? For example: “Remind me tomorrow at 9 to call Ann”.",
            "О чём напомнить? Например: «Напомни завтра в 9 позвонить Ане».",
        )
    is_reminder = _REMINDER_TRIGGER.search(request.text) is not None
    yield from request.call_tool(
        tool,
        text=text,
        in_seconds=when.in_seconds,
        at=when.at and when.at.isoformat(),
        cron=when.cron,
        prompt=None if is_reminder else True,
    )
    en, ru = ("I will remind you ", "напомню ") if is_reminder else ("", "")
    return request.localize(
        f"All right, {en}{when.phrase}: “{text}”.", f"Хорошо, {ru}{when.phrase}: «{text}»."
    )


def _extract_text(request: SkillRequest, remaining_text: str) -> str:
    """Return the reminder's text in the user's words."""
    text = _REMINDER_TRIGGER.sub(" ", remaining_text, count=1).strip() + " "
    text = " ".join(_LEADING_WORDS.sub("", text).split()).strip(" ,.!?:;—-")
    if not text and _WAKE_UP_TRIGGER.search(request.text):
        return request.localize("Wake up!", "Подъём!")
    return text


def _list(request: SkillRequest) -> SkillScript:
    heading = request.localize("Your reminders:", "Ваши напоминания:")
    tool = request.require_tool("list_reminders")
    return show_entries(request, tool, None, heading, _get_no_reminders_text(request))


def _get_no_reminders_text(request: SkillRequest) -> str:
    return request.localize("You have no reminders.", "Напоминаний нет.")


def _cancel(request: SkillRequest) -> SkillScript:
    cancelling_tool = request.require_tool("cancel_reminder")
    reminder = yield from choose_entry(
        request,
        request.require_tool("list_reminders"),
        _CANCEL_WORDS.sub(" ", request.text),
        _get_no_reminders_text(request),
        request.localize("Which one do you mean?", "Какое именно?"),
    )
    yield from request.call_tool(cancelling_tool, id=reminder.id)
    return request.localize(
        f"The reminder “{reminder.title}” is cancelled.",
        f"Напоминание «{reminder.title}» отменено.",
    )


CREATE_REMINDER = Skill(build_matcher(_REMINDER_TRIGGER, _SCHEDULED_PROMPT_TRIGGER), _create)
LIST_REMINDERS = Skill(build_matcher(_LIST_TRIGGER), _list)
CANCEL_REMINDER = Skill(build_matcher(_CANCEL_TRIGGER), _cancel)
