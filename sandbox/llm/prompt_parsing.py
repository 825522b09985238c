"""A model request parsed for the skills: user messages, instructions, tools and tool results."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.llm.language import Language, detect_language
from sandbox.llm.style_rules import find_required_language, is_brevity_required

_CONTEXT_LINE = re.compile(
    r"^\s*\[(?P<line>[^\]\n]*?(?P<date>\d{4}-\d\d-\d\d)[ T](?P<time>\d\d:\d\d)[^\]\n]*)\]\s*",
    re.MULTILINE,
)
_SCHEDULED_PREFIX = re.compile(r"\AScheduled request\b[^\n]*\n")
"""The line that the assistant puts before a scheduled prompt."""
_RESUMPTION_PREFIX = re.compile(r"\AThe user has chosen a time zone\.[^\n]*\n")
"""The line that the assistant puts before requests that had to wait for the user's time zone. Each
of these begins with a context line of its own."""
_TIME_ZONE = re.compile(r"\b(UTC|[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+)")

ChatMessage = dict[str, Any]


@dataclass(frozen=True)
class ToolDefinition:
    """A function that the model may call."""

    name: str
    description: str
    properties: dict[str, Any]
    """Schemas of the arguments by name."""
    required: list[str]
    """Names of the required arguments."""

    @property
    def title(self) -> str:
        """The name in words: “writer” for `ask_writer`."""
        return re.sub(r"[_-]+", " ", re.sub(r"^ask[_-]", "", self.name))


@dataclass(frozen=True)
class ToolCall:
    """A tool call of the model."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class ToolResult:
    """A tool call with its result."""

    call: ToolCall
    content: str


@dataclass(frozen=True)
class ParsedPrompt:
    """A parsed model request."""

    model: str
    text: str
    """The last user message without the context line."""
    previous_messages: tuple[str, ...]
    """The earlier user messages, the oldest first."""
    last_answer: str
    """The assistant's last message before the last user message, or ""."""
    instructions: str
    tools: dict[str, ToolDefinition]
    tool_results: tuple[ToolResult, ...]
    """Results of the tool calls since the last user message."""
    tool_rounds: int
    """Number of assistant messages with tool calls since the last user message."""
    forced_tool: ToolDefinition | None
    """The tool that `tool_choice` requires."""
    now: datetime
    """The user's local time from the context line, else the current time in UTC."""
    has_user_time: bool
    has_waited: bool
    """Whether the text had to wait for the user's time zone."""
    language: Language
    is_brief: bool
    """Whether answers are cut to one sentence."""

    def localize(self, en: str, ru: str) -> str:
        """Return the sentence in the user's language."""
        return ru if self.language == "ru" else en


def parse_prompt(body: dict[str, Any]) -> ParsedPrompt:
    """Parse the body of a validated Chat Completions request."""
    messages: list[ChatMessage] = body["messages"]
    user_indexes = [i for i, message in enumerate(messages) if message["role"] == "user"]
    users = [_parse_user_message(_get_message_text(messages[index])) for index in user_indexes]
    user = users[-1] if users else _parse_user_message("")
    previous_messages = tuple(user.text for user in users[:-1])
    last_user = user_indexes[-1] if users else -1
    answers = [one for one in messages[: max(last_user, 0)] if one["role"] == "assistant"]
    system = [message for message in messages if message["role"] in ("system", "developer")]
    instructions = "\n".join(map(_get_message_text, system))
    tools = {} if body.get("tool_choice") == "none" else _parse_tools(body)
    return ParsedPrompt(
        model=body["model"],
        text=user.text,
        previous_messages=previous_messages,
        last_answer=_get_message_text(answers[-1]) if answers else "",
        instructions=instructions,
        tools=tools,
        forced_tool=_parse_forced_tool(body.get("tool_choice"), tools),
        tool_results=_parse_tool_results(messages[last_user + 1 :]),
        tool_rounds=sum(1 for one in messages[last_user + 1 :] if one.get("tool_calls")),
        now=user.now,
        has_user_time=user.has_time,
        has_waited=user.has_waited,
        language=find_required_language(instructions)
        or detect_language(user.text, *reversed(previous_messages)),
        is_brief=is_brevity_required(body["model"], instructions),
    )


def _get_message_text(message: ChatMessage) -> str:
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "\n".join(part for part in parts if isinstance(part, str) and part)
    return content or ""


class _UserMessage(NamedTuple):
    text: str
    now: datetime
    """The user's local time, else the current time in UTC."""
    has_time: bool
    has_waited: bool


def _parse_user_message(text: str) -> _UserMessage:
    found = _CONTEXT_LINE.match(text)
    if found is None:
        return _UserMessage(text.strip(), datetime.now(UTC), has_time=False, has_waited=False)
    text = text[found.end() :]
    if resumption := _RESUMPTION_PREFIX.match(text):
        found = _CONTEXT_LINE.match(text, resumption.end()) or found
        waiting = _CONTEXT_LINE.sub("", text[resumption.end() :])
        return _UserMessage(waiting.strip(), _parse_time(found), has_time=True, has_waited=True)
    text = _SCHEDULED_PREFIX.sub("", text).strip()
    return _UserMessage(text, _parse_time(found), has_time=True, has_waited=False)


def _parse_time(context_line: re.Match[str]) -> datetime:
    zone = _TIME_ZONE.search(context_line["line"])
    now = datetime.fromisoformat(f"{context_line['date']}T{context_line['time']}")
    return now.replace(tzinfo=get_zone(zone[1] if zone else "UTC"))


def get_zone(name: str) -> ZoneInfo:
    """Return the IANA zone of this name; UTC for an unknown name."""
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return ZoneInfo("UTC")


def _parse_tools(body: dict[str, Any]) -> dict[str, ToolDefinition]:
    tools = {}
    for function in (tool["function"] for tool in body.get("tools") or ()):
        name, description = function["name"], function.get("description") or ""
        schema = function.get("parameters") or {}
        properties, required = schema.get("properties") or {}, schema.get("required") or ()
        tools[name] = ToolDefinition(name, description, properties, list(required))
    return tools


def _parse_forced_tool(
    choice: str | dict[str, Any] | None, tools: dict[str, ToolDefinition]
) -> ToolDefinition | None:
    if isinstance(choice, dict):
        return tools.get((choice.get("function") or {}).get("name", ""))
    return next(iter(tools.values()), None) if choice == "required" else None


def _parse_tool_results(messages: list[ChatMessage]) -> tuple[ToolResult, ...]:
    calls = {
        call["id"]: _parse_call(call["function"])
        for message in messages
        for call in message.get("tool_calls") or ()
    }
    return tuple(
        ToolResult(calls[message["tool_call_id"]], _get_message_text(message))
        for message in messages
        if message["role"] == "tool" and message["tool_call_id"] in calls
    )


def _parse_call(function: dict[str, Any]) -> ToolCall:
    arguments = json.loads(function["arguments"])
    return ToolCall(str(function.get("name")), arguments if isinstance(arguments, dict) else {})
