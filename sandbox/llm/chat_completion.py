"""Chat Completions responses, whole or as a stream of chunks."""

import json
import time
from collections.abc import Iterator
from secrets import token_hex
from typing import Any

from sandbox.llm import tokens
from sandbox.llm.prompt_parsing import ToolCall
from sandbox.llm.rule_based_model import ModelReply


class ChatCompletionResponse:
    """The response to one request."""

    def __init__(self, body: dict[str, Any], reply: ModelReply) -> None:
        self._body = body
        self._calls = list(map(_to_tool_call, reply.tool_calls))
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        self._text_chunks, is_truncated = tokens.truncate_chunks(
            tokens.split_chunks(reply.text), limit if isinstance(limit, int) else None
        )
        self._finish_reason = "length" if is_truncated else "stop"
        if self._calls:
            self._finish_reason = "tool_calls"
        self._common_fields = {
            "id": f"chatcmpl-{token_hex(15)}",
            "created": int(time.time()),
            "model": body["model"],
            "system_fingerprint": "fp_sandbox",
            "service_tier": "default",
        }

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
        return {
            **self._common_fields,
            "object": "chat.completion",
            "choices": [_build_choice("message", message, self._finish_reason)],
            "usage": self._build_usage(),
        }

    def to_chunks(self) -> Iterator[dict[str, Any]]:
        """Yield the chunks of a streamed response."""
        common = {**self._common_fields, "object": "chat.completion.chunk"}
        includes_usage = (self._body.get("stream_options") or {}).get("include_usage")
        no_usage = {"usage": None} if includes_usage else {}
        for delta in self._build_deltas():
            yield {**common, "choices": [_build_choice("delta", delta)], **no_usage}
        yield {**common, "choices": [_build_choice("delta", {}, self._finish_reason)], **no_usage}
        if includes_usage:
            yield {**common, "choices": [], "usage": self._build_usage()}

    def _build_deltas(self) -> Iterator[dict[str, Any]]:
        yield {"role": "assistant", "content": None if self._calls else ""}
        for index, call in enumerate(self._calls):
            function = call["function"]
            start = {**call, "function": {"name": function["name"], "arguments": ""}}
            yield {"tool_calls": [{"index": index, **start}]}
            for piece in tokens.split_chunks(function["arguments"]):
                yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
        for piece in self._text_chunks:
            yield {"content": piece}

    def _build_usage(self) -> dict[str, Any]:
        prompt_tokens = tokens.count_prompt_tokens(self._body)
        completion_tokens = tokens.count_tokens("".join(self._text_chunks)) + sum(
            tokens.count_json_tokens(call["function"]) for call in self._calls
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


def _build_choice(
    kind: str, content: dict[str, Any], finish_reason: str | None = None
) -> dict[str, Any]:
    return {"index": 0, kind: content, "logprobs": None, "finish_reason": finish_reason}
