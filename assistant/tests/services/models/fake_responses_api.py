"""Responses of a server with the Responses API, and requests to it."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from assistant.src.messages.completion import Completion
from assistant.src.messages.item import ChatItem
from assistant.src.services.models.client import ModelClient
from assistant.tests.services.models.fake_openai_server import (
    FakeOpenAIServer,
    JsonObject,
    Responder,
    StubResponse,
    make_stream,
)
from assistant.tests.services.models.model_harness import (
    make_fake_turn,
    make_model_request,
    make_resolved_model,
)

WITH_AND_WITHOUT_STREAMING = pytest.mark.parametrize(
    "more", [(), ("streaming",)], ids=["whole", "streamed"]
)
REASONING_ITEM = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "Z0FB"}
FUNCTION_CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_Qx81kK",
    "name": "f",
    "arguments": '{"a": 1}',
    "status": "completed",
}
USAGE = {
    "input_tokens": 20,
    "output_tokens": 7,
    "input_tokens_details": {"cached_tokens": 16},
}


def make_output_message(text: str, **more: Any) -> JsonObject:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": content, **more}


def respond_with_output(*output: JsonObject, status: str = "completed", **more: Any) -> Responder:
    """Finish items one by one; the terminal event has all of them, as OpenAI sends it."""
    response = {"id": "resp_1", "status": status, "output": output, "usage": USAGE, **more}

    def respond(body: JsonObject) -> StubResponse:
        assert body["store"] is False
        assert body["include"] == ["reasoning.encrypted_content"]
        if not body.get("stream"):
            return StubResponse(json.dumps(response))
        events: list[JsonObject] = [{"type": "response.created", "response": {"id": "resp_1"}}]
        for item in output:
            for part in item.get("content", ()):
                text = part.get("text", "")
                for half in (text[: len(text) // 2], text[len(text) // 2 :]):
                    events.append({"type": "response.output_text.delta", "delta": half})
            events.append({"type": "response.output_item.done", "item": item})
        events.append({"type": "response.unheard_of"})
        events.append({"type": f"response.{status}", "response": response})
        return make_stream(events, is_done=False)

    return respond


async def complete_once(
    server: FakeOpenAIServer,
    *items: ChatItem,
    more: Sequence[str] = (),
    client: ModelClient | None = None,
    **request_fields: Any,
) -> Completion:
    model = make_resolved_model(server.endpoint, "m", *more, api="responses")
    given = make_model_request(*items, **request_fields)
    return await (client or ModelClient()).complete([model], given, make_fake_turn())
