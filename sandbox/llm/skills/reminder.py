"""Reminders: set one, list them, cancel one."""

import re
from datetime import timedelta
from typing import Any

from sandbox.llm.conversation import Tool, ToolCall
from sandbox.llm.language import stems
from sandbox.llm.refusals import no_tool, tool_failed
from sandbox.llm.results import Item, failure, items, shown
from sandbox.llm.skill import Request, Script, Skill
from sandbox.llm.when import When, find_when

_ASKED = re.compile(
    r"\b(?:please\s+)?remind(?:\s+(?:me|us))?\b|\bwake me(?: up)?\b"
    r"|\b(?:set|create|add|make)\s+(?:me\s+)?(?:a|another)?\s*reminder\b|^\W*(?:a\s+)?reminder\b"
    r"|\bнапомни(?:те|ть)?(?:\s+мне)?\b|\bнапоминай(?:те)?(?:\s+мне)?\b|\bразбуди(?:те)?(?:\s+меня)?\b"
    r"|\b(?:поставь|создай|добавь|сделай)\s+напоминание\b|^\W*напоминание\b",
    re.IGNORECASE,
)
_SCHEDULED = re.compile(
    r"^\W*(?:please\s+)?"
    r"(?:every|each|daily|кажд\w+|ежедневно|по (?:будням|утрам|вечерам|выходным))\b"
    r".*\b(?:tell|send|give|check|write|show|report|ask"
    r"|присылай|рассказывай|говори|сообщай|проверяй|пиши|показывай|отправляй)\b",
    re.IGNORECASE | re.DOTALL,
)
_WAKE = re.compile(r"\bwake me|\bразбуди", re.IGNORECASE)
_LEADING = re.compile(
    r"^(?:[\s,:—-]|(?:to|that|about|of|for|please|чтобы|о том|что|пожалуйста)\s)+",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"\b(?:list|show|see|what|which|any)\b.*\breminders\b|\bmy reminders\b"
    r"|\b(?:покажи|какие|список|все|есть)\b.*\bнапоминани\w+|\bмои напоминания\b",
    re.IGNORECASE | re.DOTALL,
)
_CANCEL = re.compile(
    r"\b(?:cancel|delete|remove|drop)\b.*\breminders?\b"
    r"|\b(?:отмени\w*|удали\w*|убери\w*)\b.*\bнапоминани\w+",
    re.IGNORECASE | re.DOTALL,
)
_CANCEL_WORDS = re.compile(
    r"\b(?:cancel|delete|remove|drop|reminders?|my|the|отмени\w*|удали\w*|убери\w*|напоминани\w+|моё|мое)\b",
    re.IGNORECASE,
)
_ID = re.compile(r"#(\w+)|\b([0-9a-f]{8}-[0-9a-f-]{27})\b")


def _takes_create(request: Request) -> bool:
    return bool(_ASKED.search(request.text) or _SCHEDULED.search(request.text))


def _begin_create(request: Request) -> Script | str:
    tool = request.conversation.tool("create_reminder")
    if tool is None:
        return no_tool(request, "reminders", "для напоминаний")
    when = find_when(request.text, request.conversation.now)
    if when is None:
        return request.say(
            "When shall I remind you? For example: “Remind me in 20 seconds to stretch”.",
            "Когда напомнить? Например: «Напомни через 20 секунд размяться».",
        )
    text = _what(request, when)
    if not text:
        return request.say(
            "What shall I remind you of? For example: “Remind me tomorrow at 9 to call Ann”.",
            "О чём напомнить? Например: «Напомни завтра в 9 позвонить Ане».",
        )
    return _create(request, tool, when, text)


def _what(request: Request, when: When) -> str:
    """What to remind of, in the user's words."""
    text = _LEADING.sub("", _ASKED.sub(" ", when.rest, count=1).strip() + " ")
    text = re.sub(r"\s+", " ", text).strip(" ,.!?:;—-")
    if not text and _WAKE.search(request.text):
        return request.say("Wake up!", "Подъём!")
    return text


def _create(request: Request, tool: Tool, when: When, text: str) -> Script:
    time = _time(request, tool, when)
    if time is None:
        return request.say(
            "My reminder tool here cannot do that kind of schedule.",
            "Мой инструмент напоминаний здесь так не умеет.",
        )
    is_task = not _ASKED.search(request.text) and tool.takes("prompt")
    arguments = {"text": text, **time, **({"prompt": True} if is_task else {})}
    result = yield ToolCall(tool.name, arguments)
    failed = failure(result)
    if failed is not None:
        return tool_failed(request, failed)
    words = when.words
    if is_task:
        return request.say(f"All right, {words}: “{text}”.", f"Хорошо, {words}: «{text}».")
    return request.say(
        f"All right, I will remind you {words}: “{text}”.",
        f"Хорошо, напомню {words}: «{text}».",
    )


def _time(request: Request, tool: Tool, when: When) -> dict[str, Any] | None:
    """The one time argument that the tool's schema has."""
    now = request.conversation.now.replace(tzinfo=None)
    if when.cron:
        return {"cron": when.cron} if tool.takes("cron") else None
    at = when.at or now + timedelta(seconds=when.in_seconds or 0)
    seconds = when.in_seconds or int((at - now).total_seconds())
    if when.in_seconds and tool.takes("in_seconds"):
        return {"in_seconds": when.in_seconds}
    if tool.takes("at"):
        return {"at": at.isoformat(timespec="seconds")}
    return {"in_seconds": seconds} if tool.takes("in_seconds") else None


def _begin_list(request: Request) -> Script | str:
    tool = request.conversation.tool("list_reminders")
    if tool is None:
        return no_tool(request, "listing reminders", "для списка напоминаний")
    return _list(request, tool)


def _list(request: Request, tool: Tool) -> Script:
    result = yield ToolCall(tool.name, {})
    failed = failure(result)
    if failed is not None:
        return tool_failed(request, failed)
    found = items(result)
    if not found:
        return shown(result) if items_are_text(result) else _none(request)
    head = request.say("Your reminders:", "Ваши напоминания:")
    return "\n".join((head, "", *(f"- {item.text}" for item in found)))


def items_are_text(result: str) -> bool:
    """Whether a tool has answered in words."""
    return bool(result.strip()) and result.strip()[0] not in "[{"


def _none(request: Request) -> str:
    return request.say("You have no reminders.", "Напоминаний нет.")


def _begin_cancel(request: Request) -> Script | str:
    tool = request.conversation.tool("cancel_reminder")
    if tool is None:
        return no_tool(request, "cancelling reminders", "для отмены напоминаний")
    named = _ID.search(request.text)
    if named:
        return _cancel(request, tool, Item(named[1] or named[2], ""))
    listing = request.conversation.tool("list_reminders")
    if listing is None:
        return request.say("Which one? I need its id.", "Какое именно? Мне нужен его id.")
    return _find_and_cancel(request, tool, listing)


def _find_and_cancel(request: Request, tool: Tool, listing: Tool) -> Script:
    result = yield ToolCall(listing.name, {})
    failed = failure(result)
    if failed is not None:
        return tool_failed(request, failed)
    found = items(result)
    wanted = stems(_CANCEL_WORDS.sub(" ", request.text))
    matching = [item for item in found if not wanted or wanted & stems(item.text)]
    if len(matching) == 1:
        return (yield from _cancel(request, tool, matching[0]))
    if not found:
        return _none(request)
    head = request.say("Which one do you mean?", "Какое именно?")
    return "\n".join((head, "", *(f"- {item.text}" for item in matching or found)))


def _cancel(request: Request, tool: Tool, item: Item) -> Script:
    result = yield ToolCall(tool.name, {"id": item.id})
    failed = failure(result)
    if failed is not None:
        return tool_failed(request, failed)
    name = f" “{item.text}”" if item.text else ""
    return request.say(
        f"The reminder{name} is cancelled.",
        f"Напоминание{name.replace('“', '«').replace('”', '»')} отменено.",
    )


CREATE_REMINDER = Skill(_takes_create, _begin_create)
LIST_REMINDERS = Skill(lambda request: bool(_LIST.search(request.text)), _begin_list)
CANCEL_REMINDER = Skill(lambda request: bool(_CANCEL.search(request.text)), _begin_cancel)
