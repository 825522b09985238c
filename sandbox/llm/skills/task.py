"""Tasks: write one down, list them."""

import re
from typing import Any

from sandbox.llm.conversation import Tool, ToolCall
from sandbox.llm.refusals import no_tool, tool_failed
from sandbox.llm.results import failure, shown
from sandbox.llm.skill import Request, Script, Skill
from sandbox.llm.when import find_when

_CREATE = re.compile(
    r"\b(?:add|create|make|new|write down)\s+(?:me\s+)?(?:a\s+|new\s+|another\s+)*(?:task|to-?do)\b"
    r"|\b(?:добавь|создай|запиши|поставь|новая)\w*\s+(?:мне\s+)?(?:новую\s+)?(?:задач\w+|дело)\b",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"\b(?:list|show|see|what|which)\b.*\b(?:tasks|to-?dos)\b|\bmy tasks\b"
    r"|\b(?:покажи|какие|список|все)\b.*\bзадач\w*|\bмои задачи\b",
    re.IGNORECASE | re.DOTALL,
)
_LEADING = re.compile(r"^(?:[\s,:—-]|(?:to|that|чтобы)\s)+", re.IGNORECASE)


def _begin_create(request: Request) -> Script | str:
    tool = request.conversation.tool("create_task")
    if tool is None:
        return no_tool(request, "tasks", "для задач")
    found = _CREATE.search(request.text)
    assert found is not None, "asked only after _CREATE has matched"
    rest = _LEADING.sub("", request.text[found.end() :]).strip()
    if not rest:
        return request.say(
            "What is the task? For example: “Add a task: buy milk”.",
            "Какая задача? Например: «Добавь задачу: купить молоко».",
        )
    return _create(request, tool, rest)


def _create(request: Request, tool: Tool, rest: str) -> Script:
    when = find_when(rest, request.conversation.now)
    arguments: dict[str, Any] = {"title": rest.strip(" .!")}
    if when and when.at and when.rest and tool.takes("due"):
        arguments = {
            "title": when.rest.strip(" .!"),
            "due": when.at.isoformat(timespec="seconds"),
        }
    result = yield ToolCall(tool.name, arguments)
    failed = failure(result)
    if failed is not None:
        return tool_failed(request, failed)
    title = arguments["title"]
    return request.say(f"The task “{title}” is noted.", f"Записал задачу «{title}».")


def _begin_list(request: Request) -> Script | str:
    tool = request.conversation.tool("list_tasks")
    if tool is None:
        return no_tool(request, "listing tasks", "для списка задач")
    return _list(request, tool)


def _list(request: Request, tool: Tool) -> Script:
    result = yield ToolCall(tool.name, {})
    failed = failure(result)
    return tool_failed(request, failed) if failed is not None else shown(result)


CREATE_TASK = Skill(lambda request: bool(_CREATE.search(request.text)), _begin_create)
LIST_TASKS = Skill(lambda request: bool(_LIST.search(request.text)), _begin_list)
