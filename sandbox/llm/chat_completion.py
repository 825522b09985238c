"""Chat Completions responses, whole or as a stream of chunks."""

import json
import time
from collections.abc import Iterator
from secrets import token_hex
from typing import Any

from sandbox.llm.prompt_context import ToolCall
from sandbox.llm.rule_based_model import ModelReply
from sandbox.llm.tokens import count_prompt_tokens, count_tokens, split_chunks, truncate_chunks


class ChatCompletionResponse:
    """The response to one request."""

    def __init__(self, body: dict[str, Any], reply: ModelReply) -> None:
        self._body = body
        self._calls = [_to_tool_call(call) for call in reply.tool_calls]
        self._text_chunks, self._is_truncated = truncate_chunks(
            split_chunks(reply.text), _get_max_tokens(body)
        )
        self._common_fields = {
            "id": f"chatcmpl-{token_hex(15)}",
            "created": int(time.time()),
            "model": body["model"],
            "system_fingerprint": "fp_sandbox",
            "service_tier": "default",
        }

    @property
    def finish_reason(self) -> str:
        """The finish reason of the choice."""
        if self._calls:
            return "tool_calls"
        return "length" if self._is_truncated else "stop"

    def to_json(self) -> dict[str, Any]:
        """Return the body of a response that is not streamed."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if self._calls else "".join(self._text_chunks),
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
            **self._common_fields,
            "object": "chat.completion",
            "choices": [choice],
            "usage": self._build_usage(),
        }

    def to_chunks(self) -> Iterator[dict[str, Any]]:
        """Yield the chunks of a streamed response."""
        yield self._build_chunk({"role": "assistant", "content": None if self._calls else ""})
        for index, call in enumerate(self._calls):
            yield from self._build_call_chunks(index, call)
        for piece in self._text_chunks if not self._calls else ():
            yield self._build_chunk({"content": piece})
        yield self._build_chunk({}, self.finish_reason)
        if self._includes_usage:
            yield {
                **self._common_fields,
                "object": "chat.completion.chunk",
                "choices": [],
                "usage": self._build_usage(),
            }

    def _build_call_chunks(self, index: int, call: dict[str, Any]) -> Iterator[dict[str, Any]]:
        function = call["function"]
        start = {**call, "function": {"name": function["name"], "arguments": ""}}
        yield self._build_chunk({"tool_calls": [{"index": index, **start}]})
        for piece in split_chunks(function["arguments"]):
            yield self._build_chunk(
                {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            )

    def _build_chunk(
        self, delta: dict[str, Any], finish_reason: str | None = None
    ) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk = {**self._common_fields, "object": "chat.completion.chunk", "choices": [choice]}
        return chunk | ({"usage": None} if self._includes_usage else {})

    @property
    def _includes_usage(self) -> bool:
        return bool((self._body.get("stream_options") or {}).get("include_usage"))

    def _build_usage(self) -> dict[str, Any]:
        prompt_tokens = count_prompt_tokens(self._body)
        completion_tokens = count_tokens("".join(self._text_chunks)) + sum(
            count_tokens(json.dumps(call["function"], ensure_ascii=False)) for call in self._calls
        )
        return {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


def _to_tool_call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {
        "id": f"call_{token_hex(12)}",
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _get_max_tokens(body: dict[str, Any]) -> int | None:
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return limit if isinstance(limit, int) else None
