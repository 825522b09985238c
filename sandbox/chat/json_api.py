"""JSON in, JSON out: what the page's API and the tests' API share."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.chat.security import RequestGuard, RequestHandler
from sandbox.telegram.telegram_state import TelegramState
from smart_kit.errors import DomainError, InvalidRequest

JsonHandler = Callable[[web.Request], Awaitable[dict[str, Any]]]
BodyT = TypeVar("BodyT", bound="JsonBody")


class JsonBody(BaseModel):
    """What a request brings; a field too many is a mistake."""

    model_config = ConfigDict(extra="forbid")


class JsonApi:
    """Makes handlers of functions that return JSON."""

    def __init__(self, state: TelegramState, guard: RequestGuard) -> None:
        self._state = state
        self._guard = guard

    def wrap_handler(self, handler: JsonHandler) -> RequestHandler:
        """A guarded handler; one request is one transaction."""

        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                body = await handler(request)
            except DomainError as error:
                self._state.rollback()
                error_body = {"error": type(error).__name__, "detail": error.message}
                return web.json_response(error_body, status=error.status_code)
            except BaseException:
                self._state.rollback()
                raise
            self._state.commit()
            return web.json_response(body, headers={"Cache-Control": "no-store"})

        return self._guard.protect(serve)


async def read_body(request: web.Request, body_type: type[BodyT]) -> BodyT:
    """The body of a request. Raises InvalidRequest with a sentence about the first mistake."""
    try:
        return body_type.model_validate(json.loads(await request.read()))
    except ValidationError as error:
        first_error = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first_error["loc"]) or "body"
        raise InvalidRequest(f"{where}: {first_error['msg']}") from error
    except ValueError as error:
        raise InvalidRequest("The body is not JSON") from error
