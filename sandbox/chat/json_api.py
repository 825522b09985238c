"""JSON requests and responses, shared by the chat page's API and the fault injection API."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.chat.security import ChatAccessGuard
from sandbox.telegram.state.people import Person
from sandbox.telegram.telegram_state import TelegramState
from smart_kit.errors import DomainError, InvalidRequest, NotFound, UpstreamError

_MAX_ID_DIGITS = 18
"""SQLite has integers of 64 bits."""

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
            except (DomainError, UpstreamError) as error:
                self._state.rollback()
                error_body = {"error": type(error).__name__, "detail": error.message}
                status = error.status_code if isinstance(error, DomainError) else 503
                return web.json_response(error_body, status=status)
            except BaseException:
                self._state.rollback()
                raise
            self._state.commit()
            return web.json_response(body, headers={"Cache-Control": "no-store"})

        return self._guard.protect(serve)

    def _get_person(self, request: web.Request) -> Person:
        person_id = request.match_info["person_id"]
        is_id = person_id.isdecimal() and len(person_id) <= _MAX_ID_DIGITS
        person = self._state.people.get(int(person_id)) if is_id else None
        if person is None:
            raise NotFound(f"There is no person {person_id}")
        return person


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
