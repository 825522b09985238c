"""What the model looks at: the last request, what came before, the tools and their results."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.llm.language import Language, language_of
from sandbox.llm.manner import demanded_language, is_brief

_CONTEXT_LINE = re.compile(
    r"\A\s*\[(?P<line>[^\]\n]*?(?P<date>\d{4}-\d\d-\d\d)[ T](?P<time>\d\d:\d\d)[^\]\n]*)\]\s*"
)
_SCHEDULED = re.compile(r"\AScheduled request\b[^\n]*\n")
"""What the assistant service puts before a request that comes from a schedule."""
_MISTAKE = re.compile(
    r"[\s,.;(!?—-]*\b(?:and\s+)?(?:with|use|using)\s+(?:the\s+)?wrong\s+arguments\b[\s.!)]*"
    r"|[\s,.;(!?—-]*(?:\bно\s+|\bсначала\s+)*\bс\s+(?:неверными|неправильными)\s+аргументами\b[\s.!)]*",
    re.IGNORECASE,
)
"""Asks the model to make a mistake first."""
_ZONE = re.compile(r"\b(UTC|[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+)")


@dataclass(frozen=True)
class Tool:
    """A function the model may call."""

    name: str
    description: str
    parameters: dict[str, Any]

    @property
    def properties(self) -> dict[str, Any]:
        """The schema of each argument."""
        properties: dict[str, Any] = self.parameters.get("properties") or {}
        return properties

    @property
    def required(self) -> list[str]:
        """The arguments that must be there."""
        return list(self.parameters.get("required") or ())

    @property
    def title(self) -> str:
        """The name as one says it: `ask_writer` is the writer."""
        return re.sub(r"[_-]+", " ", re.sub(r"^ask[_-]", "", self.name))

    def takes(self, argument: str) -> bool:
        """Whether the schema has this argument."""
        return argument in self.properties


@dataclass(frozen=True)
class ToolCall:
    """What the model asks for."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class ToolResult:
    """What came back."""

    call: ToolCall
    content: str


@dataclass(frozen=True)
class Conversation:
    """A request in its surroundings."""

    model: str
    text: str
    """The last user message without the context line."""
    earlier: tuple[str, ...]
    """The user messages before, the oldest first."""
    instructions: str
    tools: tuple[Tool, ...]
    results: tuple[ToolResult, ...]
    """What tools have answered since the last user message."""
    rounds: int
    """How many times the model has called tools since then."""
    must_call: Tool | None
    """The tool that `tool_choice` demands."""
    now: datetime
    """The user's time: from the context line, else this machine's in UTC."""
    knows_now: bool
    language: Language
    is_brief: bool
    """Whether as little as possible is to be said."""
    errs: bool
    """Whether the first calls are to have wrong arguments."""

    def tool(self, name: str) -> Tool | None:
        """The tool of this name."""
        return next((tool for tool in self.tools if tool.name == name), None)

    def say(self, en: str, ru: str) -> str:
        """The sentence in the user's language."""
        return ru if self.language == "ru" else en


def read_conversation(body: dict[str, Any]) -> Conversation:
    """The conversation of a checked request."""
    messages: list[dict[str, Any]] = body["messages"]
    last = max((i for i, one in enumerate(messages) if one["role"] == "user"), default=-1)
    users = [_text(one) for one in messages[: last + 1] if one["role"] == "user"]
    said, now, knows_now = _without_context(users[-1] if users else "")
    text = _MISTAKE.sub(" ", said).strip()
    earlier = tuple(_without_context(one)[0] for one in users[:-1])
    after = messages[last + 1 :]
    instructions = "\n".join(
        _text(one) for one in messages if one["role"] in ("system", "developer")
    )
    tools = () if body.get("tool_choice") == "none" else tuple(_tools(body))
    return Conversation(
        model=body["model"],
        text=text,
        earlier=earlier,
        instructions=instructions,
        tools=tools,
        must_call=_demanded(body, tools),
        results=tuple(_results(after)),
        rounds=sum(1 for one in after if one.get("tool_calls")),
        now=now,
        knows_now=knows_now,
        language=demanded_language(instructions) or language_of(text, *reversed(earlier)),
        is_brief=is_brief(body["model"], instructions),
        errs=text != said,
    )


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text", "") for part in content if isinstance(part, dict)]
        return "\n".join(part for part in parts if isinstance(part, str) and part)
    return content or ""


def _without_context(text: str) -> tuple[str, datetime, bool]:
    """A user's own words, and the user's now from the bracketed line before them."""
    found = _CONTEXT_LINE.match(text)
    if found is None:
        return text.strip(), datetime.now(UTC), False
    zone = _ZONE.search(found["line"])
    try:
        info = ZoneInfo(zone[1]) if zone else ZoneInfo("UTC")
    except ZoneInfoNotFoundError:
        info = ZoneInfo("UTC")
    now = datetime.fromisoformat(f"{found['date']}T{found['time']}").replace(tzinfo=info)
    return _SCHEDULED.sub("", text[found.end() :]).strip(), now, True


def _tools(body: dict[str, Any]) -> list[Tool]:
    functions = [tool["function"] for tool in body.get("tools") or ()]
    return [
        Tool(one["name"], one.get("description") or "", one.get("parameters") or {})
        for one in functions
    ]


def _demanded(body: dict[str, Any], tools: tuple[Tool, ...]) -> Tool | None:
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        name = (choice.get("function") or {}).get("name")
        return next((tool for tool in tools if tool.name == name), None)
    return tools[0] if choice == "required" and tools else None


def _results(messages: list[dict[str, Any]]) -> list[ToolResult]:
    calls = {
        call["id"]: ToolCall(
            str(call["function"].get("name")), _arguments(call["function"]["arguments"])
        )
        for message in messages
        for call in message.get("tool_calls") or ()
    }
    return [
        ToolResult(calls[message["tool_call_id"]], _text(message))
        for message in messages
        if message["role"] == "tool" and message["tool_call_id"] in calls
    ]


def _arguments(text: str) -> dict[str, Any]:
    arguments = json.loads(text)
    return arguments if isinstance(arguments, dict) else {}
