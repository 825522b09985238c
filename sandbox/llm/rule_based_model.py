"""How the model answers: requests apart, a skill for each, tools called together, one reply."""

import re
from dataclasses import dataclass

from sandbox.llm.prompt_context import PromptContext, ToolCall, ToolResult
from sandbox.llm.skill import Skill, SkillRequest, SkillScript
from sandbox.llm.skills import SKILLS
from sandbox.llm.style_rules import apply_style, truncate_to_sentence
from sandbox.llm.tool_arguments import build_arguments
from sandbox.llm.wrong_arguments import corrupt_arguments

MAX_TOOL_ROUNDS = 8
"""A guard against a conversation that never ends, far above what any skill needs."""

_AND = "(?:and then|and also|and|then|also|а также|а потом|и ещё|и|потом|а|ещё|также)"
_SEPARATOR = re.compile(
    rf"(?:[.!?…]+\s+|\s*[;\n]+\s*)(?:{_AND}\s+)?|,?\s+{_AND}\s+",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ModelReply:
    """Either a text or calls."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


def generate_reply(context: PromptContext) -> ModelReply:
    """The next message of the assistant.

    Skills are replayed from the start with the results that are there: the model keeps nothing.
    """
    parts = split_requests(context)
    results = _ToolResultPool(context.tool_results)
    texts: list[str] = []
    calls: list[ToolCall] = []
    for part in parts:
        request = SkillRequest(part, context, is_only_request=len(parts) == 1)
        scripts = _select_skill(request).start(request)
        outcomes = [
            _run_script(one, results)
            for one in (scripts if isinstance(scripts, list) else [scripts])
        ]
        calls += [outcome for outcome in outcomes if isinstance(outcome, ToolCall)]
        texts += [_join_texts([outcome for outcome in outcomes if isinstance(outcome, str)])]
    if context.forced_tool and not calls and not context.tool_rounds:
        forced = context.forced_tool
        calls = [ToolCall(forced.name, build_arguments(forced, context.text) or {})]
    if calls and context.is_wrong_call_requested and not context.tool_rounds:
        calls = [corrupt_arguments(call, context) for call in calls]
    if calls and context.tool_rounds < MAX_TOOL_ROUNDS:
        return ModelReply(tool_calls=tuple(calls))
    if calls:
        texts.append(
            context.localize("I stop here: too many steps.", "Останавливаюсь: слишком много шагов.")
        )
    if context.is_brief:
        texts = [truncate_to_sentence(text) for text in texts]
    reply_text = "\n\n".join(text for text in texts if text)
    return ModelReply(text=apply_style(reply_text, context.instructions))


def _join_texts(texts: list[str]) -> str:
    """Single lines below each other, what is longer with a gap."""
    return ("\n\n" if any("\n" in text for text in texts) else "\n").join(texts)


def split_requests(context: PromptContext) -> list[str]:
    """The message cut where something that a skill can do begins; else it stays whole."""
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
    """The first skill that takes the request; the last one takes everything."""
    return next(skill for skill in SKILLS if skill.matches(request))


def _run_script(script: SkillScript | str, results: "_ToolResultPool") -> ToolCall | str:
    """Run a script as far as the results go: to its next call, or to its answer."""
    if isinstance(script, str):
        return script
    try:
        call = next(script)
        while (content := results.pop_content(call)) is not None:
            call = script.send(content)
    except StopIteration as stop:
        return str(stop.value)
    return call


class _ToolResultPool:
    """Tool results, each given out once, to the very call that asked for it."""

    def __init__(self, results: tuple[ToolResult, ...]) -> None:
        self._remaining = list(results)

    def pop_content(self, call: ToolCall) -> str | None:
        for index, result in enumerate(self._remaining):
            if result.call == call:
                return self._remaining.pop(index).content
        return None
