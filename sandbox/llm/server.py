"""The OpenAI-compatible server at `/v1`: Chat Completions, Responses and the model list."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web

from sandbox.llm.chat_completion import ChatCompletionResponse
from sandbox.llm.chat_request_validation import validate_chat_request
from sandbox.llm.errors import OpenAiError
from sandbox.llm.model_names import MODEL_NAMES, get_chunk_delay
from sandbox.llm.prompt_parsing import parse_prompt
from sandbox.llm.responses.chat_conversion import to_chat_request
from sandbox.llm.responses.request_validation import validate_responses_request
from sandbox.llm.responses.response import ResponsesApiResponse
from sandbox.llm.rule_based_model import generate_reply

MODELS_CREATED_AT = 1_795_219_200

LlmHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def llm_routes() -> list[web.RouteDef]:
    """Return the routes of both APIs and of the model list. Any API key is accepted."""
    return [
        web.post("/v1/chat/completions", _with_error_envelope(_create_chat_completion)),
        web.post("/v1/responses", _with_error_envelope(_create_response)),
        web.get("/v1/models", _with_error_envelope(_list_models)),
        web.get("/v1/models/{model:.+}", _with_error_envelope(_get_model)),
        web.route("*", "/v1/{rest:.*}", _with_error_envelope(_reject_unknown_url)),
    ]


async def _create_chat_completion(request: web.Request) -> web.StreamResponse:
    body = validate_chat_request(await _read_json(request))
    response = ChatCompletionResponse(body, generate_reply(parse_prompt(body)))
    if not body.get("stream"):
        return web.json_response(response.to_json())
    chunks = map(_format_sse, response.to_chunks())
    return await _stream_events(
        request, [*chunks, "data: [DONE]\n\n"], get_chunk_delay(body["model"])
    )


async def _create_response(request: web.Request) -> web.StreamResponse:
    body = validate_responses_request(await _read_json(request))
    chat = to_chat_request(body)
    response = ResponsesApiResponse(body, chat, generate_reply(parse_prompt(chat)))
    if not body.get("stream"):
        return web.json_response(response.to_json())
    events = (f"event: {event['type']}\n{_format_sse(event)}" for event in response.to_events())
    return await _stream_events(request, events, get_chunk_delay(body["model"]))


async def _list_models(_: web.Request) -> web.StreamResponse:
    models = list(map(_build_model_json, MODEL_NAMES))
    return web.json_response({"object": "list", "data": models})


async def _get_model(request: web.Request) -> web.StreamResponse:
    return web.json_response(_build_model_json(request.match_info["model"]))


async def _reject_unknown_url(request: web.Request) -> web.StreamResponse:
    message = f"Invalid URL ({request.method} {request.path})"
    raise OpenAiError(message, code="unknown_url", status=404)


def _with_error_envelope(handler: LlmHandler) -> LlmHandler:
    """Return a handler that answers errors in OpenAI's envelope, and 401 without an API key."""

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            if not request.headers.get("Authorization", "").lower().startswith("bearer "):
                raise OpenAiError(
                    "You didn't provide an API key. You need to provide your API key in an "
                    "Authorization header using Bearer auth (i.e. Authorization: Bearer "
                    "YOUR_KEY). The sandbox takes any key.",
                    status=401,
                )
            return await handler(request)
        except OpenAiError as error:
            return web.json_response(error.to_json(), status=error.status)

    return serve


async def _read_json(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise OpenAiError(
            "We could not parse the JSON body of your request. (HINT: This likely means you "
            "aren't using your HTTP library correctly.)"
        ) from error
    if isinstance(body, dict):
        return body
    raise OpenAiError("We could not parse the JSON body of your request. It must be an object.")


def _format_sse(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


async def _stream_events(
    request: web.Request, events: Iterable[str], delay_seconds: float
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
    )
    await response.prepare(request)
    for event in events:
        await response.write(event.encode())
        await asyncio.sleep(delay_seconds)
    await response.write_eof()
    return response


def _build_model_json(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": MODELS_CREATED_AT, "owned_by": "sandbox"}
