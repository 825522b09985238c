"""A reply in the shape of the Responses API, whole or as a stream of typed events."""

import json
import time
from collections.abc import Iterator
from typing import Any

from sandbox.llm.ids import random_id
from sandbox.llm.model import Reply
from sandbox.llm.responses.reasoning import Item, thought_of
from sandbox.llm.tokens import count, count_prompt, pieces, within

Event = dict[str, Any]

_ECHOED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}
"""What comes back as it was given, or as it is by itself."""


class Answer:
    """One answer to one request; `chat` is the same request as Chat Completions have it."""

    def __init__(self, body: dict[str, Any], chat: dict[str, Any], reply: Reply) -> None:
        self._pieces, self._is_cut = within(pieces(reply.text), body.get("max_output_tokens"))
        written = [_call(one.name, one.arguments) for one in reply.calls] or [self._message()]
        self._output = [thought_of(body["model"], written), *written]
        self._prompt = count_prompt(chat)
        self._head = {
            "id": f"resp_{random_id(50)}",
            "object": "response",
            "created_at": int(time.time()),
            "model": body["model"],
            "error": None,
            **{name: body.get(name, value) for name, value in _ECHOED.items()},
        }

    def whole(self) -> dict[str, Any]:
        """The body of an answer that is not streamed."""
        reason = {"reason": "max_output_tokens"} if self._is_cut else None
        status = "incomplete" if self._is_cut else "completed"
        return {
            **self._head,
            "status": status,
            "incomplete_details": reason,
            "output": self._output,
            "usage": self._usage(),
        }

    def events(self) -> Iterator[Event]:
        """The stream's events, numbered."""
        for number, event in enumerate(self._events()):
            yield {**event, "sequence_number": number}

    def _events(self) -> Iterator[Event]:
        begun = {**self._head, "status": "in_progress", "incomplete_details": None}
        for kind in ("created", "in_progress"):
            yield {"type": f"response.{kind}", "response": {**begun, "output": [], "usage": None}}
        for index, item in enumerate(self._output):
            yield from self._item_events(index, item)
        whole = self.whole()
        yield {"type": f"response.{whole['status']}", "response": whole}

    def _item_events(self, index: int, item: Item) -> Iterator[Event]:
        place = {"output_index": index, "item_id": item["id"]}
        yield {"type": "response.output_item.added", "output_index": index, "item": _begun(item)}
        if item["type"] == "function_call":
            yield from _call_events(place, item["arguments"])
        elif item["type"] == "message":
            yield from self._text_events({**place, "content_index": 0}, item["content"][0])
        yield {"type": "response.output_item.done", "output_index": index, "item": item}

    def _text_events(self, place: dict[str, Any], part: dict[str, Any]) -> Iterator[Event]:
        yield {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}
        for piece in self._pieces:
            yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
        text = part["text"]
        yield {"type": "response.output_text.done", **place, "text": text, "logprobs": []}
        yield {"type": "response.content_part.done", **place, "part": part}

    def _message(self) -> Item:
        text = "".join(self._pieces)
        return {
            "type": "message",
            "status": "incomplete" if self._is_cut else "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
        }

    def _usage(self) -> dict[str, Any]:
        calls = [one["arguments"] + one["name"] for one in self._output if "arguments" in one]
        written = count("".join(self._pieces)) + sum(map(count, calls))
        return {
            "input_tokens": self._prompt,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self._prompt + written,
        }


def _call(name: str, arguments: dict[str, Any]) -> Item:
    return {
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_{random_id(24)}",
        "name": name,
        "arguments": json.dumps(arguments, ensure_ascii=False),
    }


def _begun(item: Item) -> Item:
    """An item as it is announced."""
    if item["type"] == "reasoning":
        return {**item, "encrypted_content": None}
    is_call = item["type"] == "function_call"
    empty: dict[str, Any] = {"arguments": ""} if is_call else {"content": []}
    return {**item, **empty, "status": "in_progress"}


def _call_events(place: dict[str, Any], arguments: str) -> Iterator[Event]:
    kind = "response.function_call_arguments"
    for piece in pieces(arguments):
        yield {"type": f"{kind}.delta", **place, "delta": piece}
    yield {"type": f"{kind}.done", **place, "arguments": arguments}
