"""Helpers that call the rule-based model without a server."""

import json
from collections.abc import Callable
from typing import Any

from sandbox.llm.chat_request_validation import validate_chat_request
from sandbox.llm.prompt_parsing import ToolCall, parse_prompt
from sandbox.llm.rule_based_model import ModelReply, generate_reply

CONTEXT_LINE = "[Sat 2026-11-21 13:24 Europe/Berlin]"
STRING_SCHEMA = {"type": "string"}


def build_tool(name: str, description: str = "", **properties: dict[str, Any]) -> dict[str, Any]:
    """Build a tool definition; every property is optional."""
    parameters = {"type": "object", "properties": properties}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


GET_TIME = build_tool("get_time", "Tells the current time", place=STRING_SCHEMA)
CREATE_REMINDER = build_tool(
    "create_reminder",
    "Reminds the user later",
    text=STRING_SCHEMA,
    at=STRING_SCHEMA,
    in_seconds={"type": "integer"},
    cron=STRING_SCHEMA,
    rrule=STRING_SCHEMA,
    prompt={"type": "boolean"},
)
LIST_REMINDERS = build_tool("list_reminders", "Lists the reminders")
CHANGE_REMINDER = build_tool(
    "change_reminder",
    "Changes a reminder",
    id=STRING_SCHEMA,
    text=STRING_SCHEMA,
    at=STRING_SCHEMA,
    in_seconds={"type": "integer"},
    cron=STRING_SCHEMA,
    rrule=STRING_SCHEMA,
)
CANCEL_REMINDER = build_tool("cancel_reminder", "Cancels a reminder", id=STRING_SCHEMA)
CREATE_TASK = build_tool(
    "create_task", "Notes a task", title=STRING_SCHEMA, due=STRING_SCHEMA, priority=STRING_SCHEMA
)
LIST_TASKS = build_tool("list_tasks", "Lists the tasks", status=STRING_SCHEMA)
CHANGE_TASK = build_tool("change_task", "Changes a task", id=STRING_SCHEMA, status=STRING_SCHEMA)
CHANGE_SETTINGS = build_tool(
    "change_settings", "Saves settings", place=STRING_SCHEMA, language=STRING_SCHEMA
)
GET_WEATHER = build_tool(
    "get_weather", "The weather", place=STRING_SCHEMA, days={"type": "integer"}
)
WRITER = build_tool(
    "writer", "Writes letters and poems. Пишет письма и стихи.", message=STRING_SCHEMA
)
ALL_TOOLS = [
    GET_TIME,
    CREATE_REMINDER,
    LIST_REMINDERS,
    CHANGE_REMINDER,
    CANCEL_REMINDER,
    CREATE_TASK,
    LIST_TASKS,
    CHANGE_TASK,
    CHANGE_SETTINGS,
    GET_WEATHER,
    WRITER,
]


def build_request(
    text: str,
    *,
    tools: list[dict[str, Any]] = ALL_TOOLS,
    earlier: tuple[str, ...] = (),
    answer: str = "…",
    results: list[tuple[ToolCall, str]] | None = None,
    context: str = CONTEXT_LINE,
    **more: Any,
) -> dict[str, Any]:
    """Build a valid Chat Completions body. `answer` is the reply to each earlier message."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You are a secretary. Be kind."}
    ]
    for previous in earlier:
        messages += [
            {"role": "user", "content": previous},
            {"role": "assistant", "content": answer},
        ]
    messages.append({"role": "user", "content": f"{context}\n{text}" if context else text})
    if results:
        messages += _build_tool_round(results)
    body = {"model": "m", "messages": messages, **({"tools": tools} if tools else {}), **more}
    return validate_chat_request(body)


def _build_tool_round(results: list[tuple[ToolCall, str]]) -> list[dict[str, Any]]:
    calls = [
        {
            "id": f"call{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
        }
        for index, (call, _) in enumerate(results)
    ]
    tool_messages = [
        {"role": "tool", "tool_call_id": f"call{index}", "content": content}
        for index, (_, content) in enumerate(results)
    ]
    return [{"role": "assistant", "content": None, "tool_calls": calls}, *tool_messages]


def call_model(text: str, **options: Any) -> ModelReply:
    """Return the model's reply."""
    return generate_reply(parse_prompt(build_request(text, **options)))


def get_tool_calls(text: str, **options: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return names and arguments of the model's tool calls."""
    return [(call.name, call.arguments) for call in call_model(text, **options).tool_calls]


ToolResponse = str | Callable[[tuple[str, dict[str, Any]]], str]


def run_conversation(text: str, *tool_responses: ToolResponse, **options: Any) -> str:
    """Return the model's final text; each tool call gets the next of the tool responses."""
    remaining = list(tool_responses)
    results: list[tuple[ToolCall, str]] = []
    while (reply := call_model(text, results=results, **options)).tool_calls:
        for call in reply.tool_calls:
            response = remaining.pop(0)
            if not isinstance(response, str):
                response = response((call.name, call.arguments))
            results.append((call, response))
    assert not remaining, "a tool was not called"
    return reply.text
