"""The OpenAI-compatible server at `/v1`."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web

from sandbox.llm.completion import Completion
from sandbox.llm.conversation import read_conversation
from sandbox.llm.errors import ApiError
from sandbox.llm.model import respond
from sandbox.llm.names import MODELS, pause_of
from sandbox.llm.request import check_request
from sandbox.llm.responses.answer import Answer
from sandbox.llm.responses.chat import as_chat
from sandbox.llm.responses.request import check_response_request

CREATED = 1_795_219_200

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LlmServer:
    """Both APIs and the list of models. Any key is taken, but there must be one."""

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [
            web.post("/v1/chat/completions", _answering(self.complete)),
            web.post("/v1/responses", _answering(self.respond)),
            web.get("/v1/models", _answering(self.models)),
            web.get("/v1/models/{model:.+}", _answering(self.model)),
            web.route("*", "/v1/{rest:.*}", _answering(self.unknown)),
        ]

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions."""
        body = check_request(await _read(request))
        completion = Completion(body, respond(read_conversation(body)))
        if not body.get("stream"):
            return web.json_response(completion.whole())
        chunks = (_event(chunk) for chunk in completion.chunks())
        return await _stream(request, [*chunks, "data: [DONE]\n\n"], pause_of(body["model"]))

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/responses."""
        body = check_response_request(await _read(request))
        chat = as_chat(body)
        answer = Answer(body, chat, respond(read_conversation(chat)))
        if not body.get("stream"):
            return web.json_response(answer.whole())
        events = (f"event: {event['type']}\n{_event(event)}" for event in answer.events())
        return await _stream(request, events, pause_of(body["model"]))

    async def models(self, _: web.Request) -> web.StreamResponse:
        """GET /v1/models."""
        return web.json_response({"object": "list", "data": [_model(name) for name in MODELS]})

    async def model(self, request: web.Request) -> web.StreamResponse:
        """GET /v1/models/{model}."""
        return web.json_response(_model(request.match_info["model"]))

    async def unknown(self, request: web.Request) -> web.StreamResponse:
        """Everything that the sandbox does not have."""
        raise ApiError(
            f"Invalid URL ({request.method} {request.path})", status=404, code="unknown_url"
        )


def _answering(handler: Handler) -> Handler:
    """Errors in OpenAI's envelope; 401 without a key."""

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            if not request.headers.get("Authorization", "").lower().startswith("bearer "):
                raise ApiError(
                    "You didn't provide an API key. You need to provide your API key in an "
                    "Authorization header using Bearer auth (i.e. Authorization: Bearer "
                    "YOUR_KEY). The sandbox takes any key.",
                    status=401,
                )
            return await handler(request)
        except ApiError as error:
            return web.json_response(error.to_json(), status=error.status)

    return serve


async def _read(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except ValueError as error:
        raise ApiError(
            "We could not parse the JSON body of your request. (HINT: This likely means you "
            "aren't using your HTTP library correctly.)"
        ) from error


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


async def _stream(
    request: web.Request, events: Iterable[str], pause_seconds: float
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
    )
    await response.prepare(request)
    for event in events:
        await response.write(event.encode())
        await asyncio.sleep(pause_seconds)
    await response.write_eof()
    return response


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "sandbox"}
