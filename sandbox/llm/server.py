"""The OpenAI-compatible server at `/v1`."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.llm.completion import Completion
from sandbox.llm.conversation import read_conversation
from sandbox.llm.errors import ApiError
from sandbox.llm.model import respond
from sandbox.llm.request import check_request

MODELS = ("sandbox-demo", "gpt-6-luna")
"""What `/v1/models` lists; any other name is answered as well, by the same rules."""
CREATED = 1_795_219_200

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LlmServer:
    """Chat Completions and the list of models. Any key is taken, but there must be one."""

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [
            web.post("/v1/chat/completions", _answering(self.complete)),
            web.get("/v1/models", _answering(self.models)),
            web.get("/v1/models/{model:.+}", _answering(self.model)),
            web.route("*", "/v1/{rest:.*}", _answering(self.unknown)),
        ]

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions."""
        try:
            body = check_request(json.loads(await request.read()))
        except ValueError as error:
            raise ApiError(
                "We could not parse the JSON body of your request. (HINT: This likely means you "
                "aren't using your HTTP library correctly.)"
            ) from error
        completion = Completion(body, respond(read_conversation(body)))
        if body.get("stream"):
            return await _stream(request, completion)
        return web.json_response(completion.whole())

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


async def _stream(request: web.Request, completion: Completion) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
    )
    await response.prepare(request)
    for chunk in completion.chunks():
        await response.write(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "sandbox"}
