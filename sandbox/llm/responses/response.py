"""Responses API responses, whole or as a stream of typed events."""

import json
import time
from collections.abc import Iterator
from secrets import token_hex
from typing import Any

from sandbox.llm.prompt_parsing import ToolCall
from sandbox.llm.responses.reasoning import ResponseItem, build_reasoning_item
from sandbox.llm.rule_based_model import ModelReply
from sandbox.llm.tokens import count_prompt_tokens, count_tokens, split_chunks, truncate_chunks

ResponseEvent = dict[str, Any]

_ECHOED_PARAMETERS: dict[str, Any] = {
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
"""Parameters that the response repeats, with their default values."""


class ResponsesApiResponse:
    """The response to one request; `chat_request` is the same request for Chat Completions."""

    def __init__(
        self, body: dict[str, Any], chat_request: dict[str, Any], reply: ModelReply
    ) -> None:
        self._text_chunks, is_truncated = truncate_chunks(
            split_chunks(reply.text), body.get("max_output_tokens")
        )
        self._status = "incomplete" if is_truncated else "completed"
        items = list(map(_build_function_call, reply.tool_calls)) or [self._build_message()]
        self._output = [build_reasoning_item(body["model"], items), *items]
        self._prompt_tokens = count_prompt_tokens(chat_request)
        self._common_fields = {
            "id": f"resp_{token_hex(25)}",
            "object": "response",
            "created_at": int(time.time()),
            "model": body["model"],
            "error": None,
            **{name: body.get(name, value) for name, value in _ECHOED_PARAMETERS.items()},
        }

    def to_json(self) -> dict[str, Any]:
        """Return the body of a response that is not streamed."""
        is_complete = self._status == "completed"
        return {
            **self._common_fields,
            "status": self._status,
            "incomplete_details": None if is_complete else {"reason": "max_output_tokens"},
            "output": self._output,
            "usage": self._build_usage(),
        }

    def to_events(self) -> Iterator[ResponseEvent]:
        """Yield the events of a streamed response with sequence numbers."""
        for number, event in enumerate(self._build_events()):
            yield {**event, "sequence_number": number}

    def _build_events(self) -> Iterator[ResponseEvent]:
        started = {**self._common_fields, "status": "in_progress", "incomplete_details": None}
        for kind in ("created", "in_progress"):
            yield {"type": f"response.{kind}", "response": {**started, "output": [], "usage": None}}
        for index, item in enumerate(self._output):
            place = {"output_index": index}
            yield {"type": "response.output_item.added", **place, "item": _to_in_progress(item)}
            yield from self._build_item_events({**place, "item_id": item["id"]}, item)
            yield {"type": "response.output_item.done", **place, "item": item}
        yield {"type": f"response.{self._status}", "response": self.to_json()}

    def _build_item_events(
        self, place: dict[str, Any], item: ResponseItem
    ) -> Iterator[ResponseEvent]:
        if item["type"] == "function_call":
            kind = "response.function_call_arguments"
            for piece in split_chunks(item["arguments"]):
                yield {"type": f"{kind}.delta", **place, "delta": piece}
            yield {"type": f"{kind}.done", **place, "arguments": item["arguments"]}
        if item["type"] == "message":
            place, part = {**place, "content_index": 0}, item["content"][0]
            yield {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}
            kind, text = "response.output_text", part["text"]
            for piece in self._text_chunks:
                yield {"type": f"{kind}.delta", **place, "delta": piece, "logprobs": []}
            yield {"type": f"{kind}.done", **place, "text": text, "logprobs": []}
            yield {"type": "response.content_part.done", **place, "part": part}

    def _build_message(self) -> ResponseItem:
        text = "".join(self._text_chunks)
        return {
            "type": "message",
            "status": self._status,
            "role": "assistant",
            "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
        }

    def _build_usage(self) -> dict[str, Any]:
        calls = [item["arguments"] + item["name"] for item in self._output if "arguments" in item]
        output_tokens = sum(map(count_tokens, ["".join(self._text_chunks), *calls]))
        return {
            "input_tokens": self._prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self._prompt_tokens + output_tokens,
        }


def _build_function_call(call: ToolCall) -> ResponseItem:
    return {
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_{token_hex(12)}",
        "name": call.name,
        "arguments": json.dumps(call.arguments, ensure_ascii=False),
    }


def _to_in_progress(item: ResponseItem) -> ResponseItem:
    """Return an item as `output_item.added` announces it."""
    if item["type"] == "reasoning":
        return {**item, "encrypted_content": None}
    is_call = item["type"] == "function_call"
    empty: dict[str, Any] = {"arguments": ""} if is_call else {"content": []}
    return {**item, **empty, "status": "in_progress"}
