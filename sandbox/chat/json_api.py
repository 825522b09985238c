"""JSON in, JSON out: what the page's API and the tests' API share."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.chat.security import Gate, Handler
from sandbox.telegram.world import World
from smart_kit.errors import DomainError, InvalidRequest

JsonHandler = Callable[[web.Request], Awaitable[dict[str, Any]]]
ShapeT = TypeVar("ShapeT", bound="Body")


class Body(BaseModel):
    """What a request brings; a field too many is a mistake."""

    model_config = ConfigDict(extra="forbid")


class JsonApi:
    """Makes handlers of functions that return JSON."""

    def __init__(self, world: World, gate: Gate) -> None:
        self._world = world
        self._gate = gate

    def handler(self, handler: JsonHandler) -> Handler:
        """A guarded handler; one request is one transaction."""

        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                body = await handler(request)
            except DomainError as error:
                self._world.rollback()
                refused = {"error": type(error).__name__, "detail": error.message}
                return web.json_response(refused, status=error.status_code)
            except BaseException:
                self._world.rollback()
                raise
            self._world.commit()
            return web.json_response(body, headers={"Cache-Control": "no-store"})

        return self._gate.guard(serve)


async def read_body(request: web.Request, shape: type[ShapeT]) -> ShapeT:
    """The body of a request. Raises InvalidRequest with a sentence about the first mistake."""
    try:
        return shape.model_validate(json.loads(await request.read()))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "body"
        raise InvalidRequest(f"{where}: {problem['msg']}") from error
    except ValueError as error:
        raise InvalidRequest("The body is not JSON") from error
