"""Tasks: write one down, list them, be done with one."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from sandbox.llm.failure_texts import missing_tool_text, tool_failure_text
from sandbox.llm.prompt_context import ToolCall, ToolDefinition
from sandbox.llm.skill import Skill, SkillRequest, SkillScript
from sandbox.llm.task_list import (
    ListedTask,
    describe_due,
    describe_task,
    find_best_matches,
    parse_tasks,
)
from sandbox.llm.time_expressions import TimeExpression, find_time_expression
from sandbox.llm.tool_result_parsing import find_error

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


def _matches_create(request: SkillRequest) -> bool:
    return bool(_CREATE_TRIGGER.search(request.text) or _ADD_TO_LIST_TRIGGER.search(request.text))


def _start_create(request: SkillRequest) -> SkillScript | str:
    tool = request.context.find_tool("create_task")
    if tool is None:
        return missing_tool_text(request, "tasks", "для задач")
    title, is_urgent = _extract_title(request.text)
    if not title:
        return request.localize(
            "What is the task? For example: “Add a task: buy milk”.",
            "Какая задача? Например: «Добавь задачу: купить молоко».",
        )
    return _create_task(request, tool, title, is_urgent)


def _extract_title(text: str) -> tuple[str, bool]:
    """What is to be done, still with its date, and whether it is said to be urgent."""
    command = _CREATE_TRIGGER.search(text)
    if command is not None:
        rest = text[command.end() :]
        is_urgent = bool(_URGENT_TASK.search(command[0]))
    else:
        found = _ADD_TO_LIST_TRIGGER.search(text)
        assert found is not None, "asked only after one of the two has matched"
        rest = "".join(part for part in found.groups() if part)
        is_urgent = False
    without = _URGENT.sub("", rest)
    return _LEADING_WORDS.sub("", without).strip(), is_urgent or without != rest


def _create_task(
    request: SkillRequest, tool: ToolDefinition, text: str, is_urgent: bool
) -> SkillScript:
    when = find_time_expression(text, request.context.now)
    due = (
        _to_due(request, when)
        if when and when.remaining_text and tool.has_parameter("due")
        else None
    )
    title = _TRAILING_PREPOSITION.sub("", when.remaining_text) if when and due else text
    arguments: dict[str, Any] = {"title": title.strip(" .!,:")}
    if due:
        arguments["due"] = due.isoformat()
    if is_urgent and tool.has_parameter("priority"):
        arguments["priority"] = "high"
    result = yield ToolCall(tool.name, arguments)
    error = find_error(result)
    if error is not None:
        return tool_failure_text(request, error)
    behind = f", {describe_due(request, _to_datetime(due))}" if due else ""
    title_text = arguments["title"]
    return request.localize(
        f"The task “{title_text}” is noted{behind}.", f"Записал задачу «{title_text}»{behind}."
    )


def _to_due(request: SkillRequest, when: TimeExpression) -> date | datetime | None:
    """A day where no time is said, else the user's local time; what recurs is never due."""
    if when.at is not None:
        return when.at if when.has_time else when.at.date()
    if when.in_seconds is None:
        return None
    ahead = timedelta(seconds=when.in_seconds)
    moment = request.context.now.replace(tzinfo=None) + ahead
    return moment if ahead % _DAY else moment.date()


def _to_datetime(due: date | datetime) -> datetime:
    return due if isinstance(due, datetime) else datetime.combine(due, time(23, 59))


def _start_list(request: SkillRequest) -> SkillScript | str:
    tool = request.context.find_tool("list_tasks")
    if tool is None:
        return missing_tool_text(request, "listing tasks", "для списка задач")
    return _list_tasks(request, tool)


def _list_tasks(request: SkillRequest, tool: ToolDefinition) -> SkillScript:
    is_done = bool(_DONE_FILTER.search(request.text)) and tool.has_parameter("status")
    result = yield ToolCall(tool.name, {"status": "done"} if is_done else {})
    error = find_error(result)
    if error is not None:
        return tool_failure_text(request, error)
    tasks = parse_tasks(result)
    if not tasks:
        return request.localize("There are no such tasks.", "Таких задач нет.")
    return _format_list(request, request.localize("Your tasks:", "Ваши задачи:"), tasks)


def _format_list(request: SkillRequest, head: str, tasks: list[ListedTask]) -> str:
    return "\n".join((head, "", *(f"- {describe_task(request, task)}" for task in tasks)))


def _start_close(request: SkillRequest) -> SkillScript | str:
    changing = request.context.find_tool("change_task")
    listing = request.context.find_tool("list_tasks")
    if changing is None or listing is None:
        return missing_tool_text(request, "changing tasks", "для изменения задач")
    return _close_task(request, listing, changing)


def _close_task(
    request: SkillRequest, listing: ToolDefinition, changing: ToolDefinition
) -> SkillScript:
    """Find the task that is meant, then change its status."""
    result = yield ToolCall(listing.name, {})
    error = find_error(result)
    if error is not None:
        return tool_failure_text(request, error)
    tasks = parse_tasks(result)
    matching = find_best_matches(tasks, _COMMAND_WORDS.sub(" ", request.text))
    if not tasks:
        return request.localize("There are no open tasks.", "Открытых задач нет.")
    if len(matching) != 1:
        head = request.localize("Which one do you mean?", "Какую именно?")
        return _format_list(request, head, matching or tasks)
    (task,) = matching
    is_done = _FINISH_TRIGGER.search(request.text) is not None
    status = "done" if is_done else "cancelled"
    result = yield ToolCall(changing.name, {"id": task.id, "status": status})
    error = find_error(result)
    if error is not None:
        return tool_failure_text(request, error)
    if is_done:
        return request.localize(f"“{task.title}” is done.", f"Задача «{task.title}» выполнена.")
    return request.localize(f"“{task.title}” is cancelled.", f"Задача «{task.title}» отменена.")


CREATE_TASK = Skill(_matches_create, _start_create)
CLOSE_TASK = Skill(
    lambda request: bool(
        _FINISH_TRIGGER.search(request.text) or _CANCEL_TRIGGER.search(request.text)
    ),
    _start_close,
)
LIST_TASKS = Skill(lambda request: bool(_LIST_TRIGGER.search(request.text)), _start_list)
