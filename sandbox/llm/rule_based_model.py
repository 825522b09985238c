"""The demo model: splits a message into requests, runs a skill for each, builds one reply."""

import re
from dataclasses import dataclass

from sandbox.llm.prompt_context import PromptContext, ToolCall, ToolResult
from sandbox.llm.skill import Skill, SkillError, SkillRequest, SkillScript
from sandbox.llm.skills import SKILLS
from sandbox.llm.style_rules import apply_style, truncate_to_sentence
from sandbox.llm.tool_arguments import build_arguments

MAX_TOOL_ROUNDS = 8
"""Limit of tool rounds in one turn, far above what any skill needs."""

_AND = "(?:and then|and also|and|then|also|а также|а потом|и ещё|и|потом|а|ещё|также)"
_SEPARATOR = re.compile(
    rf"(?:[.!?…]+\s+|\s*[;\n]+\s*)(?:{_AND}\s+)?|,?\s+{_AND}\s+",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ModelReply:
    """Either a text or tool calls."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


def generate_reply(context: PromptContext) -> ModelReply:
    """Return the assistant's next message.

    The model is stateless: skills run from their start with the tool results received so far.
    """
    parts = split_requests(context)
    results = _ToolResultPool(context.tool_results)
    texts: list[str] = []
    calls: list[ToolCall] = []
    for part in parts:
        request = SkillRequest(part, context, is_only_request=len(parts) == 1)
        outcomes = [_run_script(script, results) for script in _start_skill(request)]
        calls += [outcome for outcome in outcomes if isinstance(outcome, ToolCall)]
        texts += [_join_texts([outcome for outcome in outcomes if isinstance(outcome, str)])]
    if context.forced_tool and not calls and not context.tool_rounds:
        forced = context.forced_tool
        calls = [ToolCall(forced.name, build_arguments(forced, context.text) or {})]
    if calls and context.tool_rounds < MAX_TOOL_ROUNDS:
        return ModelReply(tool_calls=tuple(calls))
    if calls:
        texts.append(
            context.localize(
                "I stop here: there were too many steps.", "Останавливаюсь: слишком много шагов."
            )
        )
    if context.is_brief:
        texts = [truncate_to_sentence(text) for text in texts]
    reply_text = "\n\n".join(text for text in texts if text)
    return ModelReply(text=apply_style(reply_text, context.instructions))


def _join_texts(texts: list[str]) -> str:
    """Join the texts by line breaks, or by blank lines where a text has several lines."""
    return ("\n\n" if any("\n" in text for text in texts) else "\n").join(texts)


def split_requests(context: PromptContext) -> list[str]:
    """Split the message where a part begins that a skill can answer."""
    text = context.text
    cuts = [cut for cut in _SEPARATOR.finditer(text) if _starts_request(cut, context)]
    starts = (0, *(cut.end() for cut in cuts))
    ends = (*(cut.start() for cut in cuts), len(text))
    pieces = [text[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    return [piece for piece in pieces if piece] or [text]


def _starts_request(cut: re.Match[str], context: PromptContext) -> bool:
    rest = cut.string[cut.end() :]
    following = _SEPARATOR.search(rest)
    piece = rest[: following.start()] if following else rest
    return bool(piece) and _select_skill(SkillRequest(piece, context)).can_start_mid_message


def _select_skill(request: SkillRequest) -> Skill:
    """Return the first skill that matches; the last one matches every request."""
    return next(skill for skill in SKILLS if skill.matches(request))


def _start_skill(request: SkillRequest) -> list[SkillScript | str]:
    try:
        started = _select_skill(request).start(request)
    except SkillError as error:
        return [str(error)]
    return [*started] if isinstance(started, list) else [started]


def _run_script(script: SkillScript | str, results: "_ToolResultPool") -> ToolCall | str:
    """Run a script to its answer, or to the first call without a result."""
    if isinstance(script, str):
        return script
    try:
        call = next(script)
        while (content := results.pop_content(call)) is not None:
            call = script.send(content)
    except StopIteration as stop:
        return str(stop.value)
    except SkillError as error:
        return str(error)
    return call


class _ToolResultPool:
    """Tool results; each is returned once, for a call with equal name and arguments."""

    def __init__(self, results: tuple[ToolResult, ...]) -> None:
        self._remaining = list(results)

    def pop_content(self, call: ToolCall) -> str | None:
        for index, result in enumerate(self._remaining):
            if result.call == call:
                return self._remaining.pop(index).content
        return None
