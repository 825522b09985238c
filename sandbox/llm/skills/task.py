"""Tasks: write one down, list them, be done with one."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from sandbox.llm.conversation import Tool, ToolCall
from sandbox.llm.refusals import no_tool, tool_failed
from sandbox.llm.results import failure
from sandbox.llm.skill import Request, Script, Skill
from sandbox.llm.task_list import Task, best_matches, due_words, read_tasks, told
from sandbox.llm.when import When, find_when

_A_TASK = (
    r"(?:a\s+|an\s+|new\s+|another\s+|urgent\s+|important\s+|high[- ]priority\s+)*(?:task|to-?do)"
)
_CREATE = re.compile(
    rf"\b(?:add|create|make|new|note|write down)\s+(?:me\s+)?{_A_TASK}\b"
    r"|\b(?:добавь|создай|запиши|поставь|нов)\w*\s+(?:мне\s+)?"
    r"(?:(?:нов|срочн|важн)\w+\s+)*(?:задач\w+|дело)\b"
    r"|^\W*(?:task|to-?do|задача)\s*:",
    re.IGNORECASE,
)
_INTO_LIST = re.compile(
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
_LIST = re.compile(
    r"\b(?:list|show|see|what|which|any)\b.*\b(?:tasks|to-?dos)\b|\bmy (?:\w+ )?tasks\b"
    r"|\b(?:покажи|какие|список|все|есть)\b.*\bзадач\w*|\bмои (?:\w+ )?задачи\b",
    re.IGNORECASE | re.DOTALL,
)
_DONE = re.compile(
    r"\b(?:done|finished|completed|выполненн\w+|сделанн\w+|завершённ\w+|завершенн\w+)\b",
    re.IGNORECASE,
)
_FINISH = re.compile(
    r"\b(?:mark|tick|check|cross)\b.*\b(?:tasks?|to-?dos?|done|off)\b"
    r"|\b(?:finish|complete|close)\b.*\b(?:task|to-?do)\b|\bdone with (?:\w+ )?task\b"
    r"|\btask\b.*\b(?:is|are)\s+(?:done|finished|completed?)\b"
    r"|\b(?:отметь|заверши|закрой|закончи)\w*\s.*\b(?:задач\w*|дело)\b"
    r"|\bзадач[аиу]\b.*\b(?:сделан[ао]?|выполнен[ао]?|готов[ао]|завершен[ао]|завершён)\b"
    r"|\bотметь\w*\s.*\b(?:выполненн\w+|сделанн\w+)\b",
    re.IGNORECASE | re.DOTALL,
)
_CANCEL = re.compile(
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
_LEADING = re.compile(r"^(?:[\s,:—-]|(?:to|that|чтобы)\s)+", re.IGNORECASE)
_DANGLING = re.compile(r"\s+(?:by|until|till|before|due|on|for|до|к|на|срок)\W*$", re.IGNORECASE)
_DAY = timedelta(days=1)


def _takes_create(request: Request) -> bool:
    return bool(_CREATE.search(request.text) or _INTO_LIST.search(request.text))


def _begin_create(request: Request) -> Script | str:
    tool = request.conversation.tool("create_task")
    if tool is None:
        return no_tool(request, "tasks", "для задач")
    title, is_urgent = _what(request.text)
    if not title:
        return request.say(
            "What is the task? For example: “Add a task: buy milk”.",
            "Какая задача? Например: «Добавь задачу: купить молоко».",
        )
    return _create(request, tool, title, is_urgent)


def _what(text: str) -> tuple[str, bool]:
    """What is to be done, still with its date, and whether it is said to be urgent."""
    command = _CREATE.search(text)
    if command is not None:
        rest = text[command.end() :]
        is_urgent = bool(_URGENT_TASK.search(command[0]))
    else:
        found = _INTO_LIST.search(text)
        assert found is not None, "asked only after one of the two has matched"
        rest = "".join(part for part in found.groups() if part)
        is_urgent = False
    without = _URGENT.sub("", rest)
    return _LEADING.sub("", without).strip(), is_urgent or without != rest


def _create(request: Request, tool: Tool, what: str, is_urgent: bool) -> Script:
    when = find_when(what, request.conversation.now)
    due = _due(request, when) if when and when.rest and tool.takes("due") else None
    title = _DANGLING.sub("", when.rest) if when and due else what
    arguments: dict[str, Any] = {"title": title.strip(" .!,:")}
    if due:
        arguments["due"] = due.isoformat()
    if is_urgent and tool.takes("priority"):
        arguments["priority"] = "high"
    result = yield ToolCall(tool.name, arguments)
    failed = failure(result)
    if failed is not None:
        return tool_failed(request, failed)
    behind = f", {due_words(request, _moment(due))}" if due else ""
    noted = arguments["title"]
    return request.say(
        f"The task “{noted}” is noted{behind}.", f"Записал задачу «{noted}»{behind}."
    )


def _due(request: Request, when: When) -> date | datetime | None:
    """A day where no time is said, else the user's local time; what recurs is never due."""
    if when.at is not None:
        return when.at if when.has_time else when.at.date()
    if when.in_seconds is None:
        return None
    ahead = timedelta(seconds=when.in_seconds)
    moment = request.conversation.now.replace(tzinfo=None) + ahead
    return moment if ahead % _DAY else moment.date()


def _moment(due: date | datetime) -> datetime:
    return due if isinstance(due, datetime) else datetime.combine(due, time(23, 59))


def _begin_list(request: Request) -> Script | str:
    tool = request.conversation.tool("list_tasks")
    if tool is None:
        return no_tool(request, "listing tasks", "для списка задач")
    return _list(request, tool)


def _list(request: Request, tool: Tool) -> Script:
    is_done = bool(_DONE.search(request.text)) and tool.takes("status")
    result = yield ToolCall(tool.name, {"status": "done"} if is_done else {})
    failed = failure(result)
    if failed is not None:
        return tool_failed(request, failed)
    tasks = read_tasks(result)
    if not tasks:
        return request.say("There are no such tasks.", "Таких задач нет.")
    return _listed(request, request.say("Your tasks:", "Ваши задачи:"), tasks)


def _listed(request: Request, head: str, tasks: list[Task]) -> str:
    return "\n".join((head, "", *(f"- {told(request, task)}" for task in tasks)))


def _begin_end(request: Request) -> Script | str:
    changing = request.conversation.tool("change_task")
    listing = request.conversation.tool("list_tasks")
    if changing is None or listing is None:
        return no_tool(request, "changing tasks", "для изменения задач")
    return _end(request, listing, changing)


def _end(request: Request, listing: Tool, changing: Tool) -> Script:
    """Find the task that is meant, then change its status."""
    result = yield ToolCall(listing.name, {})
    failed = failure(result)
    if failed is not None:
        return tool_failed(request, failed)
    tasks = read_tasks(result)
    matching = best_matches(tasks, _COMMAND_WORDS.sub(" ", request.text))
    if not tasks:
        return request.say("There are no open tasks.", "Открытых задач нет.")
    if len(matching) != 1:
        head = request.say("Which one do you mean?", "Какую именно?")
        return _listed(request, head, matching or tasks)
    (task,) = matching
    is_done = _FINISH.search(request.text) is not None
    status = "done" if is_done else "cancelled"
    result = yield ToolCall(changing.name, {"id": task.id, "status": status})
    failed = failure(result)
    if failed is not None:
        return tool_failed(request, failed)
    if is_done:
        return request.say(f"“{task.title}” is done.", f"Задача «{task.title}» выполнена.")
    return request.say(f"“{task.title}” is cancelled.", f"Задача «{task.title}» отменена.")


CREATE_TASK = Skill(_takes_create, _begin_create)
END_TASK = Skill(
    lambda request: bool(_FINISH.search(request.text) or _CANCEL.search(request.text)), _begin_end
)
LIST_TASKS = Skill(lambda request: bool(_LIST.search(request.text)), _begin_list)
