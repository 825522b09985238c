"""How the model answers: requests apart, a skill for each, tools called together, one reply."""

import re
from dataclasses import dataclass

from sandbox.llm.arguments import fill_in
from sandbox.llm.conversation import Conversation, ToolCall, ToolResult
from sandbox.llm.manner import in_manner, shortened
from sandbox.llm.mistakes import spoilt
from sandbox.llm.skill import Request, Script, Skill
from sandbox.llm.skills import SKILLS

MAX_ROUNDS = 8
"""A guard against a conversation that never ends, far above what any skill needs."""

_AND = "(?:and then|and also|and|then|also|а также|а потом|и ещё|и|потом|а|ещё|также)"
_SEPARATOR = re.compile(
    rf"(?:[.!?…]+\s+|\s*[;\n]+\s*)(?:{_AND}\s+)?|,?\s+{_AND}\s+",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reply:
    """Either a text or calls."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()


def respond(conversation: Conversation) -> Reply:
    """The next message of the assistant.

    Skills are replayed from the start with the results that are there: the model keeps nothing.
    """
    parts = split_requests(conversation)
    results = _Results(conversation.results)
    texts: list[str] = []
    calls: list[ToolCall] = []
    for part in parts:
        request = Request(part, conversation, is_alone=len(parts) == 1)
        begun = _chosen(request).begin(request)
        outcomes = [_play(one, results) for one in (begun if isinstance(begun, list) else [begun])]
        calls += [outcome for outcome in outcomes if isinstance(outcome, ToolCall)]
        texts += [_together([outcome for outcome in outcomes if isinstance(outcome, str)])]
    if conversation.must_call and not calls and not conversation.rounds:
        forced = conversation.must_call
        calls = [ToolCall(forced.name, fill_in(forced, conversation.text) or {})]
    if calls and conversation.errs and not conversation.rounds:
        calls = [spoilt(call, conversation) for call in calls]
    if calls and conversation.rounds < MAX_ROUNDS:
        return Reply(calls=tuple(calls))
    if calls:
        texts.append(
            conversation.say("I stop here: too many steps.", "Останавливаюсь: слишком много шагов.")
        )
    if conversation.is_brief:
        texts = [shortened(text) for text in texts]
    said = "\n\n".join(text for text in texts if text)
    return Reply(text=in_manner(said, conversation.instructions))


def _together(texts: list[str]) -> str:
    """Single lines below each other, what is longer with a gap."""
    return ("\n\n" if any("\n" in text for text in texts) else "\n").join(texts)


def split_requests(conversation: Conversation) -> list[str]:
    """The message cut where something that a skill can do begins; else it stays whole."""
    text = conversation.text
    cuts = [cut for cut in _SEPARATOR.finditer(text) if _begins_request(cut, conversation)]
    starts = (0, *(cut.end() for cut in cuts))
    ends = (*(cut.start() for cut in cuts), len(text))
    pieces = [text[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    return [piece for piece in pieces if piece] or [text]


def _begins_request(cut: re.Match[str], conversation: Conversation) -> bool:
    rest = cut.string[cut.end() :]
    following = _SEPARATOR.search(rest)
    piece = rest[: following.start()] if following else rest
    return bool(piece) and _chosen(Request(piece, conversation)).is_own_request


def _chosen(request: Request) -> Skill:
    """The first skill that takes the request; the last one takes everything."""
    return next(skill for skill in SKILLS if skill.takes(request))


def _play(script: Script | str, results: "_Results") -> ToolCall | str:
    """Run a script as far as the results go: to its next call, or to its answer."""
    if isinstance(script, str):
        return script
    try:
        call = next(script)
        while (content := results.take(call)) is not None:
            call = script.send(content)
    except StopIteration as stop:
        return str(stop.value)
    return call


class _Results:
    """Tool results, each given out once, to the very call that asked for it."""

    def __init__(self, results: tuple[ToolResult, ...]) -> None:
        self._left = list(results)

    def take(self, call: ToolCall) -> str | None:
        for index, result in enumerate(self._left):
            if result.call == call:
                return self._left.pop(index).content
        return None
