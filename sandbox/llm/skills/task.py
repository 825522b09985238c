"""Tasks: create one, list them, finish or cancel one."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from sandbox.llm.entry_list import choose_entry, describe_due, show_entries
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

_TASK_PHRASE = (
    r"(?:a\s+|an\s+|new\s+|another\s+|urgent\s+|important\s+|high[- ]priority\s+)*(?:task|to-?do)"
)
_CREATE_TRIGGER = re.compile(
    rf"\b(?:add|create|make|new|note|write down)\s+(?:me\s+)?{_TASK_PHRASE}\b"
    r"|\b(?:добавь|создай|запиши|поставь|нов)\w*\s+(?:мне\s+)?"
    r"(?:(?:нов|срочн|важн)\w+\s+)*(?:задач\w+|дело)\b"
    r"|^\W*(?:task|to-?do|задача)\s*:",
    re.IGNORECASE,
)
_ADD_TO_LIST_TRIGGER = re.compile(
    r"^\W*(?:please\s+)?(?:add|put)\s+(?P<en>.+?)\s+(?:to|on|into)\s+(?:my\s+|the\s+)?"
    r"(?:tasks?|to-?dos?)(?:\s+list)?\b(?P<en_rest>.*)$"
    r"|^\W*(?:добавь|запиши|внеси|поставь)\w*\s+(?P<ru>.+?)\s+в\s+(?:мои\s+|список\s+)*"
    r"(?:задач\w*|дел\w*)\b(?P<ru_rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_URGENT_TASK = re.compile(r"\b(?:urgent|important|high|срочн|важн)", re.IGNORECASE)
_URGENT = re.compile(
    r"[\s,;(—-]+(?:(?:with\s+)?high(?:est)?\s+priority|с\s+высоким\s+приоритетом)\b\)?"
    r"|\s*[,;(—-]\s*(?:urgent(?:ly)?|important|asap|срочно|важно)\b\W*$",
    re.IGNORECASE,
)
_LIST_TRIGGER = re.compile(
    r"\b(?:list|show|see|what|which|any)\b.*\b(?:tasks|to-?dos)\b|\bmy (?:\w+ )?tasks\b"
    r"|\b(?:покажи|какие|список|все|есть)\b.*\bзадач\w*|\bмои (?:\w+ )?задачи\b",
    re.IGNORECASE | re.DOTALL,
)
_DONE_FILTER = re.compile(
    r"\b(?:done|finished|completed|выполненн\w+|сделанн\w+|завершённ\w+|завершенн\w+)\b",
    re.IGNORECASE,
)
_FINISH_TRIGGER = re.compile(
    r"\b(?:mark|tick|check|cross)\b.*\b(?:tasks?|to-?dos?|done|off)\b"
    r"|\b(?:finish|complete|close)\b.*\b(?:task|to-?do)\b|\bdone with (?:\w+ )?task\b"
    r"|\btask\b.*\b(?:is|are)\s+(?:done|finished|completed?)\b"
    r"|\b(?:отметь|заверши|закрой|закончи)\w*\s.*\b(?:задач\w*|дело)\b"
    r"|\bзадач[аиу]\b.*\b(?:сделан[ао]?|выполнен[ао]?|готов[ао]|завершен[ао]|завершён)\b"
    r"|\bотметь\w*\s.*\b(?:выполненн\w+|сделанн\w+)\b",
    re.IGNORECASE | re.DOTALL,
)
_CANCEL_TRIGGER = re.compile(
    r"\b(?:cancel|delete|remove|drop)\b.*\b(?:task|to-?do)\b"
    r"|\b(?:отмени|удали|убери)\w*\s.*\bзадач[уи]\b",
    re.IGNORECASE | re.DOTALL,
)
_COMMAND_WORDS = re.compile(
    r"\b(?:mark|tick|check|cross|finish|complete|close|cancel|delete|remove|drop|done|finished"
    r"|completed|tasks?|to-?dos?|list|off|from|with|отметь\w*|заверши\w*|закрой\w*|закончи\w*"
    r"|отмени\w*|удали\w*|убери\w*|задач\w*|дел[оа]?|как|из|список|списка|сделан\w*|выполнен\w*"
    r"|готов\w*|завершен\w*|завершён\w*)\b",
    re.IGNORECASE,
)
_LEADING_WORDS = re.compile(r"^(?:[\s,:—-]|(?:to|that|чтобы)\s)+", re.IGNORECASE)
_TRAILING_PREPOSITION = re.compile(
    r"\s+(?:by|until|till|before|due|on|for|до|к|на|срок)\W*$", re.IGNORECASE
)
_DAY = timedelta(days=1)


def _start_create(request: SkillRequest) -> SkillScript | str:
    tool = require_tool(request, "create_task", "tasks", "для задач")
    title, is_urgent = _extract_title(request.text)
    if not title:
        return request.localize(
            "What is the task? For example: “Add a task: buy milk”.",
            "Какая задача? Например: «Добавь задачу: купить молоко».",
        )
    return _create_task(request, tool, title, is_urgent)


def _extract_title(text: str) -> tuple[str, bool]:
    """Return the title, still with its due date, and whether the task is urgent."""
    command = _CREATE_TRIGGER.search(text)
    if command is not None:
        rest = text[command.end() :]
        is_urgent = bool(_URGENT_TASK.search(command[0]))
    else:
        found = _ADD_TO_LIST_TRIGGER.search(text)
        assert found is not None, "the skill matches one of the two patterns"
        rest = "".join(part for part in found.groups() if part)
        is_urgent = False
    without = _URGENT.sub("", rest)
    return _LEADING_WORDS.sub("", without).strip(), is_urgent or without != rest


def _create_task(
    request: SkillRequest, tool: ToolDefinition, text: str, is_urgent: bool
) -> SkillScript:
    when = find_time_expression(text, request.context.now)
    due = _to_due(request, when) if when and when.remaining_text else None
    title = _TRAILING_PREPOSITION.sub("", when.remaining_text) if when and due else text
    arguments: dict[str, Any] = {"title": title.strip(" .!,:")}
    if due:
        arguments["due"] = due.isoformat()
    if is_urgent:
        arguments["priority"] = "high"
    yield from call_tool(request, tool, arguments)
    behind = f", {describe_due(request, _to_datetime(due))}" if due else ""
    title_text = arguments["title"]
    return request.localize(
        f"I added the task “{title_text}”{behind}.",
        f"Записал задачу «{title_text}»{behind}.",
    )


def _to_due(request: SkillRequest, when: TimeExpression) -> date | datetime | None:
    """Return a date, or the user's local time where one is given; None for recurring times."""
    if when.at is not None:
        return when.at if when.has_time else when.at.date()
    if when.in_seconds is None:
        return None
    ahead = timedelta(seconds=when.in_seconds)
    moment = request.context.now.replace(tzinfo=None) + ahead
    return moment if ahead % _DAY else moment.date()


def _to_datetime(due: date | datetime) -> datetime:
    return due if isinstance(due, datetime) else datetime.combine(due, time(23, 59))


def _start_list(request: SkillRequest) -> SkillScript:
    tool = require_tool(request, "list_tasks", "listing tasks", "для списка задач")
    is_done = _DONE_FILTER.search(request.text) is not None
    return show_entries(
        request,
        tool,
        {"status": "done"} if is_done else {},
        heading=request.localize("Your tasks:", "Ваши задачи:"),
        none_text=request.localize("There are no such tasks.", "Таких задач нет."),
    )


def _close_task(request: SkillRequest) -> SkillScript:
    """Find the task that is meant, then change its status."""
    changing_tool = require_tool(request, "change_task", "changing tasks", "для изменения задач")
    listing_tool = require_tool(request, "list_tasks", "listing tasks", "для списка задач")
    task = yield from choose_entry(
        request,
        listing_tool,
        _COMMAND_WORDS.sub(" ", request.text),
        none_text=request.localize("There are no open tasks.", "Открытых задач нет."),
        which_text=request.localize("Which one do you mean?", "Какую именно?"),
    )
    is_done = _FINISH_TRIGGER.search(request.text) is not None
    status = "done" if is_done else "cancelled"
    yield from call_tool(request, changing_tool, {"id": task.id, "status": status})
    if is_done:
        return request.localize(f"“{task.title}” is done.", f"Задача «{task.title}» выполнена.")
    return request.localize(f"“{task.title}” is cancelled.", f"Задача «{task.title}» отменена.")


CREATE_TASK = Skill(matches_any(_CREATE_TRIGGER, _ADD_TO_LIST_TRIGGER), _start_create)
CLOSE_TASK = Skill(matches_any(_FINISH_TRIGGER, _CANCEL_TRIGGER), _close_task)
LIST_TASKS = Skill(matches_any(_LIST_TRIGGER), _start_list)
