"""Tools without a skill of their own: sub-assistants, and whatever an administrator adds."""

import re
from typing import Any

from sandbox.llm.arguments import fill_in
from sandbox.llm.conversation import Tool, ToolCall
from sandbox.llm.language import stems
from sandbox.llm.offers import BUILT_IN
from sandbox.llm.refusals import tool_failed
from sandbox.llm.results import failure, shown
from sandbox.llm.skill import Request, Script, Skill

_ASK = re.compile(
    r"^\W*(?:please\s+|пожалуйста,?\s+)?(?:can you\s+|could you\s+)?"
    r"(?:ask|tell|use|call|спроси\w*|попроси\w*|передай\w*|скажи\w*|вызови\w*|используй\w*)\s+"
    r"(?:the\s+|my\s+|our\s+|у\s+|моего\s+|мою\s+)?(?P<rest>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_SOMEBODY = re.compile(r"\b(?:ask|спроси\w*|попроси\w*)\b", re.IGNORECASE)
_ME = re.compile(r"^(?:me|мне|us|нам)\b", re.IGNORECASE)
_JOIN = re.compile(
    r"^[\s,:—-]*(?:(?:to|about|for|that|о|об|про|чтобы|,)\s+)?[\s,:—-]*", re.IGNORECASE
)
_NAME_SCORE = 3


def _unknown(request: Request) -> list[Tool]:
    return [tool for tool in request.conversation.tools if tool.name not in BUILT_IN]


def _takes_explicit(request: Request) -> bool:
    asked = _ASK.match(request.text)
    if asked is None or _ME.match(asked["rest"]):
        return False
    return bool(_SOMEBODY.search(request.text)) or _addressed(request) is not None


def _addressed(request: Request) -> Tool | None:
    """The tool that an “ask …” names first, by its name or else by its description."""
    asked = _ASK.match(request.text)
    beginning = " ".join(asked["rest"].split()[:4]) if asked else ""
    scores = [(_score(tool, beginning), tool) for tool in _unknown(request)]
    best = max(scores, key=lambda one: one[0], default=(0, None))
    return best[1] if best[0] else None


def _takes_matching(request: Request) -> bool:
    return _matching(request) is not None


def _matching(request: Request) -> Tool | None:
    """The tool whose name or description has most words of the request."""
    scores = [(_score(tool, request.text), tool) for tool in _unknown(request)]
    best = max(scores, key=lambda one: one[0], default=(0, None))
    return best[1] if best[0] else None


def _score(tool: Tool, text: str) -> int:
    if tool.name.lower() in text.lower() or tool.title.lower() in text.lower():
        return 10 * _NAME_SCORE
    words = stems(text)
    return _NAME_SCORE * len(words & stems(tool.title)) + len(words & stems(tool.description))


def _begin_explicit(request: Request) -> Script | str:
    tool = _addressed(request)
    if tool is None:
        return _nobody(request)
    return _delegate(request, tool, _message(request, tool))


def _nobody(request: Request) -> str:
    others = ", ".join(tool.title for tool in _unknown(request) if tool.takes("message"))
    sorry = request.say(
        "I know no assistant of that name here.", "Здесь нет ассистента с таким именем."
    )
    known = request.say(f" I can ask: {others}.", f" Могу спросить: {others}.")
    return sorry + (known if others else "")


def _begin_matching(request: Request) -> Script | str:
    tool = _matching(request)
    assert tool is not None, "asked only after _takes_matching"
    return _delegate(request, tool, request.text)


def _message(request: Request, tool: Tool) -> str:
    """What to hand over: the request without “ask the … to”."""
    asked = _ASK.match(request.text)
    rest = asked["rest"] if asked else request.text
    named = re.match(re.escape(tool.title), rest, re.IGNORECASE)
    named = named or re.match(re.escape(tool.name), rest, re.IGNORECASE)
    if named:
        rest = rest[named.end() :]
    else:
        known = stems(tool.title) | stems(tool.description)
        words = rest.split()
        while words and stems(words[0]) & known:
            words.pop(0)
        rest = " ".join(words)
    return _JOIN.sub("", rest, count=1).strip() or request.text


def _delegate(request: Request, tool: Tool, message: str) -> Script | str:
    arguments = fill_in(tool, message)
    if arguments is None:
        return request.say(
            f"I could use the tool “{tool.title}”, but I do not know how to fill in "
            f"{', '.join(tool.required)}.",
            f"Пригодился бы инструмент «{tool.title}», но я не знаю, как заполнить "
            f"{', '.join(tool.required)}.",
        )
    return _call(request, tool, arguments)


def _call(request: Request, tool: Tool, arguments: dict[str, Any]) -> Script:
    result = yield ToolCall(tool.name, arguments)
    failed = failure(result, may_be_prose=tool.takes("message"))
    if failed is not None:
        return tool_failed(request, failed)
    return f"**{tool.title[:1].upper()}{tool.title[1:]}**:\n\n{shown(result)}"


DELEGATION = Skill(_takes_explicit, _begin_explicit)
MATCHING_TOOL = Skill(_takes_matching, _begin_matching)
