"""JSON requests and responses, shared by the chat page's API and the fault injection API."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.chat.security import ChatAccessGuard
from sandbox.telegram.telegram_state import TelegramState
from smart_kit.errors import DomainError, InvalidRequest

BodyT = TypeVar("BodyT", bound=BaseModel)


class JsonBody(BaseModel):
    """A request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class JsonApi:
    """Routes that need the page's token."""

    def __init__(self, state: TelegramState, guard: ChatAccessGuard) -> None:
        self._state = state
        self._guard = guard

    def _build_json_handler(
        self, handler: Callable[[web.Request], Awaitable[dict[str, Any]]]
    ) -> Handler:
        """Return a guarded request handler that sends the handler's result as JSON.

        Each request is one transaction: it is committed on success and rolled back on an error.
        """

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
    """Parse a request's JSON body. Raises InvalidRequest, which describes the first error."""
    try:
        return body_type.model_validate(json.loads(await request.read()))
    except ValidationError as error:
        first_error = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first_error["loc"]) or "body"
        raise InvalidRequest(f"{where}: {first_error['msg']}") from error
    except ValueError as error:
        raise InvalidRequest("The body is not JSON") from error
