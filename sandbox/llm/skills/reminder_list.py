"""Reminders: list them, cancel one."""

import re

from sandbox.llm.skill import Skill, SkillRequest, SkillScript, build_matcher
from sandbox.llm.task_and_reminder_lists import choose_entry, show_entries

_LIST_TRIGGER = re.compile(
    r"(?is)\b(?:list|show|see|what|which|any)\b.*\breminders\b|\bmy reminders\b"
    r"|\bwhat (?:will|are) you (?:going to )?remind(?:ing)? me\b"
    r"|\b(?:покажи|какие|список|все|есть)\b.*\bнапоминани\w+|\bмои напоминания\b"
    r"|\b(?:о чём|о чем|что) (?:ты )?(?:мне )?(?:ещё )?(?:напомнишь|должен напомнить)\b"
)
_CANCEL_TRIGGER = re.compile(
    r"(?is)\b(?:cancel|delete|remove|drop)\b.*\b(?:reminders?|alarm)\b"
    r"|\b(?:stop|no longer|don'?t) remind(?:ing)?\b"
    r"|\b(?:отмени\w*|удали\w*|убери\w*)\b.*\b(?:напоминани\w+|будильник)"
    r"|\b(?:больше не напоминай|не напоминай(?:\s+мне)?(?:\s+больше)?|перестань напоминать)\b"
)
_COMMAND_WORDS = re.compile(
    r"(?i)\b(?:cancel|delete|remove|drop|stop|remind(?:ing|ers?)?|my|the|me|longer|больше"
    r"|отмени\w*|удали\w*|убери\w*|перестань|напомина\w+|моё|мое|не|мне)\b"
)


def _list(request: SkillRequest) -> SkillScript:
    heading = request.localize("Your reminders:", "Ваши напоминания:")
    tool = request.require_tool("list_reminders")
    return show_entries(request, tool, None, heading, get_no_reminders_text(request))


def get_no_reminders_text(request: SkillRequest) -> str:
    """Return the answer for an empty list."""
    return request.localize("You have no reminders.", "Напоминаний нет.")


def _cancel(request: SkillRequest) -> SkillScript:
    cancelling_tool = request.require_tool("cancel_reminder")
    reminder = yield from choose_entry(
        request,
        request.require_tool("list_reminders"),
        _COMMAND_WORDS.sub(" ", request.text),
        get_no_reminders_text(request),
        request.localize("Which one do you mean?", "Какое именно?"),
        is_candidate=lambda entry: not entry.is_delivered,
    )
    yield from request.call_tool(cancelling_tool, id=reminder.id)
    return request.localize(
        f"The reminder “{reminder.title}” is cancelled.",
        f"Напоминание «{reminder.title}» отменено.",
    )


LIST_REMINDERS = Skill(build_matcher(_LIST_TRIGGER), _list)
CANCEL_REMINDER = Skill(build_matcher(_CANCEL_TRIGGER), _cancel)
