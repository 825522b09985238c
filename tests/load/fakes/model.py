"""A model that answers each question with its number, over Chat Completions.

It reads a request without parsing it: the newest user message has the last mark of a question.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterator

from aiohttp import web

from tests.load.fakes.load_plan import LoadPlan

MARK = "question "
"""Stands before the number in a question and in its answer."""
_QUESTION = re.compile(rb"question (\d+)")
_IS_STREAMED = re.compile(rb'"stream":\s*true')
_HAS_TOOLS = re.compile(rb'"tools":\s*\[')
_TOOL_RESULT = re.compile(rb'"role":\s*"tool"')

_PROSE = (
    "Here is what I found. The **first** thing to know is that it depends on the day, and that"
    " most people decide too early.\n\n- Begin with what you have.\n- Ask again when it changes."
    "\n\nI can look closer if you tell me more. That is all for "
)
"""An answer of usual length and formatting, about 65 tokens."""
_EVENT_LENGTH, _SLOW_EVENT_LENGTH = 20, 4
"""Characters of an event: of an answer that is there at once, in which servers join tokens, and of
one that is shown while it is written, with one event for each token."""
_USAGE = {"prompt_tokens": 1500, "completion_tokens": 70, "total_tokens": 1570}
_TOOL_CALL = {
    "index": 0,
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_time", "arguments": "{}"},
}


class FakeModel:
    """Answers as the plan of the current load says."""

    def __init__(self) -> None:
        self.plan = LoadPlan("", 0)
        self.in_flight = 0
        """Number of requests that wait for their answer."""
        self.calls = 0

    async def respond(self, request: web.BaseRequest) -> web.StreamResponse:
        body, plan = await request.read(), self.plan
        self.calls += 1
        self.in_flight += 1
        try:
            if plan.model_seconds:
                await asyncio.sleep(plan.model_seconds)
            questions = _QUESTION.findall(body)
            text = f"{_PROSE}{MARK}{int(questions[-1]) if questions else 0}."
            has_tool_call = plan.has_tool_call and _wants_tool_call(body)
            if not _IS_STREAMED.search(body):
                await asyncio.sleep(plan.stream_seconds)
                return _complete(text, has_tool_call)
            if has_tool_call:
                return _stream_at_once([{"tool_calls": [_TOOL_CALL]}], "tool_calls")
            if plan.stream_seconds:
                return await _stream_slowly(request, text, plan.stream_seconds)
            return _stream_at_once(_split(text, _EVENT_LENGTH), "stop")
        finally:
            self.in_flight -= 1


def _wants_tool_call(body: bytes) -> bool:
    """Return whether the request offers tools, and the newest question has no tool result yet."""
    if not _HAS_TOOLS.search(body):
        return False
    return not _TOOL_RESULT.search(body, body.rfind(MARK.encode()))


def _split(text: str, length: int) -> list[dict[str, object]]:
    return [{"content": text[at : at + length]} for at in range(0, len(text), length)]


def _complete(text: str, has_tool_call: bool) -> web.Response:
    message: dict[str, object] = {"role": "assistant", "content": text}
    if has_tool_call:
        message |= {"content": None, "tool_calls": [_TOOL_CALL]}
    reason = "tool_calls" if has_tool_call else "stop"
    choice = {"index": 0, "message": message, "finish_reason": reason}
    body = _envelope("chat.completion") | {"choices": [choice], "usage": _USAGE}
    return web.Response(body=json.dumps(body).encode(), content_type="application/json")


def _stream_at_once(deltas: list[dict[str, object]], finish_reason: str) -> web.Response:
    body = b"".join(_iter_events(deltas, finish_reason))
    return web.Response(body=body, content_type="text/event-stream")


async def _stream_slowly(request: web.BaseRequest, text: str, seconds: float) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    deltas, begin = _split(text, _SLOW_EVENT_LENGTH), time.monotonic()
    for number, event in enumerate(_iter_events(deltas, "stop")):
        await asyncio.sleep(begin + seconds * number / len(deltas) - time.monotonic())
        await response.write(event)
    return response


def _iter_events(deltas: list[dict[str, object]], finish_reason: str) -> Iterator[bytes]:
    """Yield the events of a stream; the end is one write."""
    head = json.dumps(_envelope("chat.completion.chunk"))[:-1]
    for delta in deltas:
        choice = json.dumps({"index": 0, "delta": delta, "finish_reason": None})
        yield f'data: {head}, "choices": [{choice}]}}\n\n'.encode()
    choice = json.dumps({"index": 0, "delta": {}, "finish_reason": finish_reason})
    last = f'data: {head}, "choices": [{choice}]}}\n\n'
    usage = f'data: {head}, "choices": [], "usage": {json.dumps(_USAGE)}}}\n\n'
    yield f"{last}{usage}data: [DONE]\n\n".encode()


def _envelope(kind: str) -> dict[str, object]:
    return {"id": "chatcmpl-1", "object": kind, "created": int(time.time()), "model": "demo"}
