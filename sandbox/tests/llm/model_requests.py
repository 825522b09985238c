"""Builds requests to the rule-based model and sends them without a server."""

import json
from collections.abc import Callable
from typing import Any

from sandbox.llm.conversation import ToolCall, read_conversation
from sandbox.llm.model import Reply, respond
from sandbox.llm.request import check_request

NOW = "[Sat 2026-11-21 13:24 Europe/Berlin]"
TEXT = {"type": "string"}


def tool(name: str, description: str = "", **properties: dict[str, Any]) -> dict[str, Any]:
    """A function as a request offers it; every property is optional."""
    parameters = {"type": "object", "properties": properties}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


GET_TIME = tool("get_time", "Tells the current time", place=TEXT)
CREATE_REMINDER = tool(
    "create_reminder",
    "Reminds the user later",
    text=TEXT,
    at=TEXT,
    in_seconds={"type": "integer"},
    cron=TEXT,
    prompt={"type": "boolean"},
)
LIST_REMINDERS = tool("list_reminders", "Lists the reminders")
CANCEL_REMINDER = tool("cancel_reminder", "Cancels a reminder", id=TEXT)
CREATE_TASK = tool("create_task", "Notes a task", title=TEXT, due=TEXT, priority=TEXT)
LIST_TASKS = tool("list_tasks", "Lists the tasks", status=TEXT)
CHANGE_TASK = tool("change_task", "Changes a task", id=TEXT, status=TEXT)
GET_WEATHER = tool("get_weather", "The weather", place=TEXT, days={"type": "integer"})
WRITER = tool("writer", "Writes letters and poems. Пишет письма и стихи.", message=TEXT)
ALL = [
    GET_TIME,
    CREATE_REMINDER,
    LIST_REMINDERS,
    CANCEL_REMINDER,
    CREATE_TASK,
    LIST_TASKS,
    CHANGE_TASK,
    GET_WEATHER,
    WRITER,
]


def request(
    text: str,
    *,
    tools: list[dict[str, Any]] = ALL,
    earlier: tuple[str, ...] = (),
    results: list[tuple[ToolCall, str]] | None = None,
    context: str = NOW,
    **more: Any,
) -> dict[str, Any]:
    """A checked body of Chat Completions."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You are a secretary. Be kind."}
    ]
    for said in earlier:
        messages += [{"role": "user", "content": said}, {"role": "assistant", "content": "…"}]
    messages.append({"role": "user", "content": f"{context}\n{text}" if context else text})
    if results:
        messages += _round(results)
    body = {"model": "m", "messages": messages, **({"tools": tools} if tools else {}), **more}
    return check_request(body)


def _round(results: list[tuple[ToolCall, str]]) -> list[dict[str, Any]]:
    calls = [
        {
            "id": f"call{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
        }
        for index, (call, _) in enumerate(results)
    ]
    answers = [
        {"role": "tool", "tool_call_id": f"call{index}", "content": content}
        for index, (_, content) in enumerate(results)
    ]
    return [{"role": "assistant", "content": None, "tool_calls": calls}, *answers]


def ask(text: str, **options: Any) -> Reply:
    """The model's reply."""
    return respond(read_conversation(request(text, **options)))


def calls(text: str, **options: Any) -> list[tuple[str, dict[str, Any]]]:
    """The calls that the model asks for."""
    return [(call.name, call.arguments) for call in ask(text, **options).calls]


Answer = str | Callable[[tuple[str, dict[str, Any]]], str]


def converse(text: str, *answers: Answer, **options: Any) -> str:
    """The model's last words, each of its calls answered by the next of the answers."""
    left = list(answers)
    results: list[tuple[ToolCall, str]] = []
    while (reply := ask(text, results=results, **options)).calls:
        for call in reply.calls:
            answer = left.pop(0)
            said = answer if isinstance(answer, str) else answer((call.name, call.arguments))
            results.append((call, said))
    assert not left, "a tool was not asked"
    return reply.text
