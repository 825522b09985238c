"""A reply in the shape of Chat Completions, whole or as a stream of chunks."""

import json
import time
from collections.abc import Iterator
from typing import Any

from sandbox.llm.conversation import ToolCall
from sandbox.llm.ids import random_id
from sandbox.llm.model import Reply
from sandbox.llm.tokens import count, count_prompt, pieces, within


class Completion:
    """One answer to one request."""

    def __init__(self, body: dict[str, Any], reply: Reply) -> None:
        self._body = body
        self._calls = [_call(call) for call in reply.calls]
        self._pieces, self._is_cut = within(pieces(reply.text), _limit(body))
        self._head = {
            "id": f"chatcmpl-{random_id(29)}",
            "created": int(time.time()),
            "model": body["model"],
            "system_fingerprint": "fp_sandbox",
            "service_tier": "default",
        }

    @property
    def finish_reason(self) -> str:
        """Why it ends."""
        if self._calls:
            return "tool_calls"
        return "length" if self._is_cut else "stop"

    def whole(self) -> dict[str, Any]:
        """The body of an answer that is not streamed."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if self._calls else "".join(self._pieces),
            "refusal": None,
            "annotations": [],
        }
        if self._calls:
            message["tool_calls"] = self._calls
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self.finish_reason,
        }
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [choice],
            "usage": self._usage(),
        }

    def chunks(self) -> Iterator[dict[str, Any]]:
        """The bodies of the stream's events."""
        yield self._chunk({"role": "assistant", "content": None if self._calls else ""})
        for index, call in enumerate(self._calls):
            yield from self._call_chunks(index, call)
        for piece in self._pieces if not self._calls else ():
            yield self._chunk({"content": piece})
        yield self._chunk({}, self.finish_reason)
        if self._includes_usage:
            yield {
                **self._head,
                "object": "chat.completion.chunk",
                "choices": [],
                "usage": self._usage(),
            }

    def _call_chunks(self, index: int, call: dict[str, Any]) -> Iterator[dict[str, Any]]:
        function = call["function"]
        begin = {**call, "function": {"name": function["name"], "arguments": ""}}
        yield self._chunk({"tool_calls": [{"index": index, **begin}]})
        for piece in pieces(function["arguments"]):
            yield self._chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk = {**self._head, "object": "chat.completion.chunk", "choices": [choice]}
        return chunk | ({"usage": None} if self._includes_usage else {})

    @property
    def _includes_usage(self) -> bool:
        return bool((self._body.get("stream_options") or {}).get("include_usage"))

    def _usage(self) -> dict[str, Any]:
        prompt = count_prompt(self._body)
        written = count("".join(self._pieces)) + sum(
            count(json.dumps(call["function"], ensure_ascii=False)) for call in self._calls
        )
        return {
            "prompt_tokens": prompt,
            "completion_tokens": written,
            "total_tokens": prompt + written,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {
        "id": f"call_{random_id(24)}",
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _limit(body: dict[str, Any]) -> int | None:
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return limit if isinstance(limit, int) else None
