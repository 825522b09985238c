"""The Bot API over HTTP: `/bot{token}/{method}`, and its envelope."""

from typing import Any

import structlog
from aiohttp import web

from sandbox.telegram.bot import is_token
from sandbox.telegram.call import Answer, Call, Method
from sandbox.telegram.errors import BotApiError
from sandbox.telegram.methods import METHODS
from sandbox.telegram.parameters import Parameters, read_parameters
from sandbox.telegram.world import World

log = structlog.stdlib.get_logger()


class BotApi:
    """Dispatches calls; each is one transaction."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._methods = {method.name.lower(): method for method in METHODS}

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [web.route(verb, "/bot{token}/{method}", self.serve) for verb in ("GET", "POST")]

    async def serve(self, request: web.Request) -> web.Response:
        """One call and its envelope."""
        try:
            result = await self._dispatch(request)
        except BotApiError as error:
            self._world.rollback()
            return _refused(error)
        except BaseException:
            self._world.rollback()
            raise
        self._world.commit()
        envelope: dict[str, Any] = {"ok": True, "result": result}
        if isinstance(result, Answer):
            envelope |= {"result": result.result, "description": result.description}
        return web.json_response(envelope)

    async def _dispatch(self, request: web.Request) -> Any:
        self._check(request.match_info["token"])
        method = self._methods.get(request.match_info["method"].lower())
        if method is None:
            raise BotApiError(404, "Not Found: method not found")
        parameters = await read_parameters(request)
        self._note_unknown(method, parameters)
        return await method.handle(Call(self._world, parameters))

    def _check(self, token: str) -> None:
        if not is_token(token):
            raise BotApiError(401, "Unauthorized: invalid token specified")
        if not self._world.bot.knows(token):
            raise BotApiError(401, "Unauthorized")

    def _note_unknown(self, method: Method, parameters: Parameters) -> None:
        """Telegram ignores what it does not know, so that typing errors live for years."""
        for name in sorted(parameters.names - set(method.parameters)):
            self._world.unknown_parameters.append(f"{method.name}.{name}")
            log.warning("unknown Bot API parameter", method=method.name, parameter=name)


def _refused(error: BotApiError) -> web.Response:
    envelope = {"ok": False, "error_code": error.code, "description": error.description}
    return web.json_response(envelope, status=error.code)
