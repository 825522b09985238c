"""OpenAI's Responses API, used statelessly: OpenAI stores nothing, we send the whole history.

A response is a list of items, or the events of a stream; those that are not needed are ignored.
"""

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from pydantic import BaseModel, ValidationError

from smart_kit.contracts.base import JsonObject
from smart_kit.errors import UpstreamUnavailable

from ....core.errors import EmptyResponse, MalformedResponse, StreamInterrupted
from ....messages.completion import ToolCall
from ....messages.item import encode_json
from ..response_parsing import (
    LenientText,
    is_too_deep,
    parse_token_usage,
    parse_tool_calls,
    repair_surrogates,
)
from ..transport.error_responses import describe_shape, error_from_response
from .base import ModelCall, ModelProtocol, ParsedResponse

_STATELESS = {"store": False, "include": ["reasoning.encrypted_content"]}
_RENAMED_PARAMETERS = dict.fromkeys(("max_tokens", "max_completion_tokens"), "max_output_tokens")
_NESTED_PARAMETERS = {
    "reasoning_effort": ("reasoning", "effort"),
    "verbosity": ("text", "verbosity"),
}
"""Parameters that are flat in Chat Completions."""
_FINAL_PHASE = "final_answer"
"""The phase of the answer; other phases comment on what the model does next."""
_MESSAGE_SEPARATOR = "\n\n"
"""Stands between two messages of one answer."""


def _build_parameters(call: ModelCall) -> dict[str, Any]:
    shared = call.shared_parameters.items()
    return {_RENAMED_PARAMETERS.get(name, name): value for name, value in shared} | _STATELESS


def _build_body(call: ModelCall) -> str:
    prompt = call.request.prompt
    head = encode_json({"model": call.model.name, **_nest_parameters(call.parameters)})[:-1]
    tools = f'"tools":{prompt.responses_tools},' if call.has_tools else ""
    given = encode_json(list(_build_input(call)))
    return f'{head},"instructions":{prompt.instructions_json},{tools}"input":{given}}}'


def _nest_parameters(parameters: Any) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in parameters.items():
        if name not in _NESTED_PARAMETERS:
            nested[name] = nested.get(name, {}) | value if isinstance(value, dict) else value
            continue
        outer, inner = _NESTED_PARAMETERS[name]
        nested[outer] = {inner: value} | nested.get(outer, {})
    return nested


def _build_input(call: ModelCall) -> Iterator[JsonObject]:
    """Yield the input items. The model's own output goes back unchanged and in its order, and each
    result gets the id that the model gave to the call."""
    their_ids: dict[str, str] = {}
    for item in call.items:
        extras = call.get_extras(item)
        if "output" in extras:
            their_ids |= extras["ids"]
            yield from extras["output"]
        else:
            yield from _to_input_items(item.message, their_ids)


def _to_input_items(message: JsonObject, their_ids: dict[str, str]) -> Iterator[JsonObject]:
    if message["role"] == "tool":
        call_id = message["tool_call_id"]
        call_id = their_ids.get(call_id, call_id)
        yield {"type": "function_call_output", "call_id": call_id, "output": message["content"]}
        return
    if message.get("content"):
        yield {"role": message["role"], "content": message["content"]}
    for call in message.get("tool_calls", ()):
        yield {"type": "function_call", "call_id": call["id"], **call["function"]}


class _OutputItem(BaseModel):
    type: LenientText = ""
    content: list[Any] | None = None
    name: LenientText = ""
    call_id: LenientText = ""
    arguments: Any = None
    phase: LenientText = ""


class _IncompleteDetails(BaseModel):
    reason: LenientText = ""


class _ResponseBody(BaseModel):
    status: LenientText = ""
    output: list[_OutputItem]
    incomplete_details: _IncompleteDetails | None = None


def _parse_response(body: object, key: str) -> ParsedResponse:
    tokens = parse_token_usage(body)
    try:
        parsed = _ResponseBody.model_validate(body)
    except ValidationError as error:
        reason = f"The answer is malformed: {describe_shape(body)}"
        raise MalformedResponse(reason, tokens=tokens) from error
    assert isinstance(body, dict)
    if is_too_deep(body["output"]):
        raise MalformedResponse("The answer is nested too deeply", tokens=tokens)
    output = repair_surrogates({"output": body["output"]})["output"]
    text = repair_surrogates({"text": _extract_text(parsed.output)})["text"]
    called = [item for item in parsed.output if item.type == "function_call"]
    functions = ((item.name, item.arguments) for item in called)
    calls = parse_tool_calls(key, functions, is_truncated=parsed.status == "incomplete")
    reason = parsed.incomplete_details.reason if parsed.incomplete_details else ""
    if not calls and not text.strip():
        error_message = f"The model said nothing: {parsed.status} {reason}".rstrip()
        raise EmptyResponse(error_message, tokens=tokens, is_filtered=reason == "content_filter")
    return ParsedResponse(
        text=text,
        calls=calls,
        extras={} if parsed.status == "incomplete" else _collect_extras(output, called, calls),
        tokens=parse_token_usage(body, is_completion=True),
        finish_reason=reason or parsed.status,
    )


def _extract_text(output: list[_OutputItem]) -> str:
    """Return the text of the final message, or of all if none is marked as final."""
    messages = [item for item in output if item.type == "message"]
    final = [item for item in messages if item.phase == _FINAL_PHASE]
    return _MESSAGE_SEPARATOR.join(
        filter(str.strip, map(_extract_message_text, final[-1:] or messages))
    )


def _extract_message_text(message: _OutputItem) -> str:
    parts = (part for part in message.content or () if isinstance(part, dict))
    texts = (part.get("text") or part.get("refusal") for part in parts)
    return "".join(one for one in texts if isinstance(one, str))


def _collect_extras(
    output: list[JsonObject], called: list[_OutputItem], calls: tuple[ToolCall, ...]
) -> JsonObject:
    """Return the items unchanged, with the model's call ids by ours; nothing if the model could
    not match the results: an id is missing or repeated, or a call has an error."""
    theirs = list(dict.fromkeys(item.call_id for item in called if item.call_id))
    if not len(theirs) == len(called) == len(calls) or any(call.error for call in calls):
        return {}
    ids = {ours.id: call_id for ours, call_id in zip(calls, theirs, strict=True)}
    return {"ids": ids, "output": output}


class ResponsesStreamAccumulator:
    """See StreamAccumulator. A stream without a terminal event is incomplete."""

    def __init__(self) -> None:
        self._text_parts: dict[int | None, list[str]] = {}
        """By the index of the message in the output."""
        self._final_index: int | None = None
        """Index of the last message in the phase of the final answer."""
        self._items: list[tuple[int, JsonObject]] = []
        """Finished items with their index in the output."""
        self._response: JsonObject | None = None
        self.has_started = False

    @property
    def text(self) -> str:
        final = None if self._final_index is None else self._text_parts.get(self._final_index)
        texts = self._text_parts.values() if final is None else (final,)
        return _MESSAGE_SEPARATOR.join(filter(str.strip, map("".join, texts)))

    @property
    def is_complete(self) -> bool:
        return self._response is not None

    def add(self, event: JsonObject) -> None:
        """See StreamAccumulator. Raises StreamInterrupted for an error that a retry may solve."""
        kind, item, index = event.get("type"), event.get("item"), event.get("output_index")
        index = index if isinstance(index, int) else None
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            if isinstance(delta := event.get("delta"), str):
                self._text_parts.setdefault(index, []).append(delta)
                self.has_started = True
        elif kind == "response.output_item.added":
            self.has_started = True
            if isinstance(item, dict) and item.get("phase") == _FINAL_PHASE:
                self._final_index = index
        elif kind == "response.output_item.done":
            self.has_started = True
            if isinstance(item, dict):
                self._items.append((len(self._items) if index is None else index, item))
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            response = event.get("response")
            self._response = {"status": kind.removeprefix("response.")}
            self._response |= response if isinstance(response, dict) else {}
        elif kind == "error" or event.get("error"):
            error = error_from_response(None, event.get("error") or event, {})
            if isinstance(error, UpstreamUnavailable):
                raise StreamInterrupted(error.message, has_started=self.has_started)
            raise error

    def build_response(self) -> JsonObject:
        """See StreamAccumulator. Where the terminal event has no output, the finished items in
        their order replace it."""
        response = self._response or {}
        done = [item for _, item in sorted(self._items, key=itemgetter(0))]
        return {**response, "output": response.get("output") or done}


RESPONSES = ModelProtocol(
    path="/responses",
    extras_names=("output",),
    build_parameters=_build_parameters,
    build_body=_build_body,
    parse_response=_parse_response,
    create_accumulator=ResponsesStreamAccumulator,
)
