"""The demo model: splits a message into requests, runs a skill for each, builds one reply."""

import re
from dataclasses import dataclass

from sandbox.llm.prompt_parsing import ParsedPrompt, ToolCall, ToolResult
from sandbox.llm.skill import Skill, SkillError, SkillRequest, SkillScript
from sandbox.llm.skills import SKILLS
from sandbox.llm.skills.settings import is_request_withdrawn, resume_waiting_request
from sandbox.llm.style_rules import apply_style, truncate_to_sentence
from sandbox.llm.tool_arguments import build_arguments

MAX_TOOL_ROUNDS = 8
"""Limit of tool rounds in one turn, far above what any skill needs."""

_AND = "(?:and then|and also|and|then|also|а также|а потом|и ещё|и|потом|а|ещё|также)"
_SEPARATOR = re.compile(rf"(?i)(?:[.!?…]+\s+|\s*[;\n]+\s*)(?:{_AND}\s+)?|,?\s+{_AND}\s+")

_SENTENCE_END = re.compile(r"[.!?…;\n]")


@dataclass(frozen=True)
class ModelReply:
    """Either a text or tool calls."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


def generate_reply(context: ParsedPrompt) -> ModelReply:
    """Return the assistant's next message.

    The model is stateless: skills run from their start with the tool results received so far.
    """
    if is_request_withdrawn(context):
        text = context.localize("All right, then I leave it.", "Хорошо, тогда не делаю.")
        return ModelReply(apply_style(text, context.instructions))
    context = resume_waiting_request(context)
    parts = _split_requests(context)
    unused_results = list(context.tool_results)
    texts: list[str] = []
    calls: list[ToolCall] = []
    for part in parts:
        request = SkillRequest(part, context, is_only_request=len(parts) == 1)
        outcomes = [_run_skill_script(script, unused_results) for script in _start_skill(request)]
        calls += [outcome for outcome in outcomes if isinstance(outcome, ToolCall)]
        texts.append(_join_texts([outcome for outcome in outcomes if isinstance(outcome, str)]))
    if (forced := context.forced_tool) and not calls and not context.tool_rounds:
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
        texts = list(map(truncate_to_sentence, texts))
    return ModelReply(apply_style("\n\n".join(filter(None, texts)), context.instructions))


def _join_texts(texts: list[str]) -> str:
    """Join the texts by line breaks, or by blank lines if a text has several lines."""
    return ("\n\n" if any("\n" in text for text in texts) else "\n").join(texts)


def _split_requests(context: ParsedPrompt) -> list[str]:
    """Split the message where a part begins that a skill can answer."""
    text, start = context.text, 0
    pieces = []
    for cut in _SEPARATOR.finditer(text):
        piece = text[start : cut.start()].strip()
        if _starts_request_after(cut, context) and not _is_inside_request(piece, cut, context):
            pieces.append(piece)
            start = cut.end()
    pieces.append(text[start:].strip())
    return list(filter(None, pieces)) or [text]


def _starts_request_after(separator: re.Match[str], context: ParsedPrompt) -> bool:
    piece = _SEPARATOR.split(separator.string[separator.end() :], maxsplit=1)[0]
    return bool(piece) and _select_skill(SkillRequest(piece, context)).can_start_mid_message


def _is_inside_request(piece: str, separator: re.Match[str], context: ParsedPrompt) -> bool:
    """Return whether the request before a separator goes on behind it."""
    if _SENTENCE_END.search(separator[0]):
        return False
    return _select_skill(SkillRequest(piece, context)).takes_rest_of_sentence


def _select_skill(request: SkillRequest) -> Skill:
    """Return the first skill that matches; the last one matches every request."""
    return next(skill for skill in SKILLS if skill.matches(request))


def _start_skill(request: SkillRequest) -> list[SkillScript | str]:
    try:
        started = _select_skill(request).start(request)
    except SkillError as error:
        return [str(error)]
    return [*started] if isinstance(started, list) else [started]


def _run_skill_script(
    script: SkillScript | str, unused_results: list[ToolResult]
) -> ToolCall | str:
    """Run a script to its answer, or to the first call without a result."""
    if isinstance(script, str):
        return script
    try:
        call = next(script)
        while result := next((result for result in unused_results if result.call == call), None):
            unused_results.remove(result)
            call = script.send(result.content)
    except StopIteration as stop:
        return str(stop.value)
    except SkillError as error:
        return str(error)
    return call
