"""Tasks: finish or cancel one, change its due date or its priority."""

import re
from collections.abc import Generator

from sandbox.llm.prompt_parsing import ToolCall
from sandbox.llm.skill import Skill, SkillRequest, SkillScript, build_matcher
from sandbox.llm.skills.reminder_times import mark_target_time
from sandbox.llm.skills.task import to_due
from sandbox.llm.task_and_reminder_lists import ListEntry, choose_entry, describe_due
from sandbox.llm.time_expressions.one_off import find_one_off

_FINISH_TRIGGER = re.compile(
    r"(?is)\b(?:mark|tick|check|cross)\b.*\b(?:tasks?|to-?dos?|done|off)\b"
    r"|\b(?:finish(?:ed)?|completed?|closed?)\b.*\b(?:task|to-?do)\b|\bdone with (?:\w+ )?task\b"
    r"|\btask\b.*\b(?:is|are)\s+(?:done|finished|completed?)\b"
    r"|\b(?:отметь|заверши|закрой|закончи)\w*\s.*\b(?:задач\w*|дело)\b"
    r"|\bзадач[аиу]\b.*\b(?:сделан[ао]?|выполнен[ао]?|готов[ао]|завершен[ао]|завершён)\b"
    r"|\bотметь\w*\s.*\b(?:выполненн\w+|сделанн\w+)\b"
    r"|\bя (?:сделал|выполнил|закончил)а?\s.*\bзадач\w*\b"
)
_CANCEL_TRIGGER = re.compile(
    r"(?is)\b(?:cancel|delete|remove|drop)\b.*\b(?:task|to-?do)\b"
    r"|\b(?:отмени|удали|убери)\w*\s.*\bзадач[уи]\b"
)
_CHANGE_TRIGGER = re.compile(
    r"(?is)\b(?:move|postpone|reschedule|push|change|set|make|give)\b.*\b(?:task|to-?do)\b"
    r"|\b(?:перенеси|передвинь|отложи|измени|поменяй|сделай|сдвинь)\w*\s.*\bзадач[уеи]\b"
)
_PRIORITIES = {
    r"(?i)\b(?:(?:to |a )?(?:high|top)(?: priority)?|urgent|important|срочн\w+|важн\w+"
    r"|высок\w+ приоритет\w*)\b": ("high", "срочно"),
    r"(?i)\b(?:(?:to |a )?low(?: priority)?|not urgent|несрочн\w+|неважн\w+"
    r"|низк\w+ приоритет\w*)\b": ("low", "не к спеху"),
    r"(?i)\b(?:(?:to |a )?normal(?: priority)?|обычн\w+(?: приоритет\w*)?)\b": (
        "normal",
        "обычный приоритет",
    ),
}
_COMMAND_WORDS = re.compile(
    r"(?i)\b(?:mark|tick|check|cross|finish|complete|close|cancel|delete|remove|drop|done|finished"
    r"|completed|tasks?|to-?dos?|list|off|from|with|отметь\w*|заверши\w*|закрой\w*|закончи\w*"
    r"|отмени\w*|удали\w*|убери\w*|задач\w*|дел[оа]?|как|из|список|списка|сделан?\w*|выполн\w*"
    r"|move|postpone|reschedule|push|change|set|make|give|priority|приоритет\w*|перенеси\w*"
    r"|передвинь\w*|отложи\w*|измени\w*|поменяй\w*|сделай\w*|сдвинь\w*|я|закончил\w*"
    r"|готов\w*|завершен\w*|завершён\w*)\b"
)


def _close(request: SkillRequest) -> SkillScript:
    """Find the task that is meant, then change its status."""
    tool = request.require_tool("change_task")
    task = yield from _choose(request, request.text)
    is_done = _FINISH_TRIGGER.search(request.text) is not None
    status = "done" if is_done else "cancelled"
    yield from request.call_tool(tool, id=task.id, status=status)
    status_ru = "выполнена" if is_done else "отменена"
    return request.localize(f"“{task.title}” is {status}.", f"Задача «{task.title}» {status_ru}.")


def _change(request: SkillRequest) -> SkillScript:
    """Find the task that is meant, then change its priority or its due date."""
    tool = request.require_tool("change_task")
    for pattern, (priority, priority_ru) in _PRIORITIES.items():
        if named := re.search(pattern, request.text):
            task = yield from _choose(request, request.text.replace(named[0], " "))
            yield from request.call_tool(tool, id=task.id, priority=priority)
            en, ru = f"“{task.title}”: {priority} priority.", f"«{task.title}»: {priority_ru}."
            return request.localize(en, ru)
    now = request.context.now
    when = find_one_off(mark_target_time(request), now)
    due = to_due(when, now) if when else None
    if when is None or due is None:
        return request.localize(
            "What should change: the due date or the priority?", "Что изменить: срок или важность?"
        )
    task = yield from _choose(request, when.remaining_text)
    yield from request.call_tool(tool, id=task.id, due=due.isoformat())
    return (
        f"{request.localize(f'“{task.title}”', f'«{task.title}»')}: {describe_due(request, due)}."
    )


def _choose(request: SkillRequest, text: str) -> Generator[ToolCall, str, ListEntry]:
    """Return the open task that the text names."""
    return choose_entry(
        request,
        request.require_tool("list_tasks"),
        _COMMAND_WORDS.sub(" ", text),
        request.localize("There are no open tasks.", "Открытых задач нет."),
        request.localize("Which one do you mean?", "Какую именно?"),
    )


CLOSE_TASK = Skill(build_matcher(_FINISH_TRIGGER, _CANCEL_TRIGGER), _close)
CHANGE_TASK = Skill(build_matcher(_CHANGE_TRIGGER), _change)
