"""The Bot API over HTTP: `/bot{token}/{method}`, its envelope, and its troubles on demand."""

import contextlib
from typing import Any

from aiohttp import web

from sandbox.telegram.bot import is_token
from sandbox.telegram.call import Answer, Call, Method
from sandbox.telegram.errors import BotApiError
from sandbox.telegram.faults import BAD_GATEWAY, Fault, reset
from sandbox.telegram.methods import METHODS
from sandbox.telegram.parameters import Parameters, read_parameters
from sandbox.telegram.strictness import unknown_fields, wrong_types
from sandbox.telegram.world import World


class BotApi:
    """Dispatches calls; each is one transaction."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._methods = {method.name.lower(): method for method in METHODS}

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [web.route(verb, "/bot{token}/{method}", self.serve) for verb in ("GET", "POST")]

    async def serve(self, request: web.Request) -> web.Response:
        """One call and its envelope, or the trouble that was ordered for it."""
        try:
            method = self._method(request)
            parameters = await read_parameters(request)
            fault = self._world.faults.take(method.name, parameters)
            if fault is None:
                return await self._answer(method, parameters)
            return await self._troubled(request, fault, method, parameters)
        except BotApiError as error:
            return _refused(error)

    async def perform(self, name: str, values: dict[str, Any]) -> None:
        """A call that a webhook's answer holds; nobody hears how it went."""
        method = self._methods.get(name.lower())
        if method is None:
            self._world.violations.note(name, "unknown_method", f"the sandbox has no {name}")
            return
        with contextlib.suppress(BotApiError):
            await self._answer(method, Parameters(values))

    async def _troubled(
        self, request: web.Request, fault: Fault, method: Method, parameters: Parameters
    ) -> web.Response:
        fault.refuse()
        if fault.kind == "bad_gateway":
            return web.Response(status=502, text=BAD_GATEWAY, content_type="text/html")
        if fault.kind == "reset_before":
            reset(request)
            return web.Response()
        return await fault.answer(request, await self._answer(method, parameters))

    async def _answer(self, method: Method, parameters: Parameters) -> web.Response:
        self._note(method, parameters)
        try:
            result = await self._metered(method, Call(self._world, method.name, parameters))
        except BaseException:
            self._world.rollback()
            raise
        self._world.commit()
        envelope: dict[str, Any] = {"ok": True, "result": result}
        if isinstance(result, Answer):
            envelope |= {"result": result.result, "description": result.description}
        return web.json_response(envelope)

    async def _metered(self, method: Method, call: Call) -> Any:
        if method.metered is None:
            return await method.handle(call)
        chat_id = call.parameters.integer("chat_id", low=-(2**63), high=2**63 - 1)
        self._world.meter.check(method.metered, chat_id)
        result = await method.handle(call)
        self._world.meter.spend(method.metered, chat_id)
        return result

    def _method(self, request: web.Request) -> Method:
        token, name = request.match_info["token"], request.match_info["method"]
        if not is_token(token):
            raise BotApiError(401, "Unauthorized: invalid token specified")
        if not self._world.bot.knows(token):
            raise BotApiError(401, "Unauthorized")
        method = self._methods.get(name.lower())
        if method is None:
            self._world.violations.note(name, "unknown_method", f"the sandbox has no {name}")
            raise BotApiError(404, "Not Found: method not found")
        return method

    def _note(self, method: Method, parameters: Parameters) -> None:
        note = self._world.violations.note
        for name in sorted(parameters.names - set(method.parameters)):
            note(method.name, "unknown_parameter", name)
        for detail in unknown_fields(parameters.values):
            note(method.name, "unknown_parameter", detail)
        known = {
            name: parameters.values[name] for name in parameters.names & set(method.parameters)
        }
        for detail in wrong_types(known):
            note(method.name, "wrong_type", detail)


def _refused(error: BotApiError) -> web.Response:
    envelope: dict[str, Any] = {
        "ok": False,
        "error_code": error.code,
        "description": error.description,
    }
    if error.parameters:
        envelope["parameters"] = error.parameters
    seconds = error.parameters.get("retry_after")
    headers = {"Retry-After": str(seconds)} if seconds is not None else {}
    return web.json_response(envelope, status=error.code, headers=headers)
