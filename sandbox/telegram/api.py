"""The Bot API over HTTP at `/bot{token}/{method}`: envelope, violations, injected faults."""

import contextlib
from typing import Any

from aiohttp import web

from sandbox.telegram.bot import is_valid_token
from sandbox.telegram.errors import BotApiError
from sandbox.telegram.faults import BAD_GATEWAY_PAGE, TelegramFault, reset_connection
from sandbox.telegram.method_call import ApiMethod, DescribedResult, MethodCall
from sandbox.telegram.methods import METHODS
from sandbox.telegram.parameters import CallParameters, read_parameters
from sandbox.telegram.schema_checks import find_unknown_fields, find_wrong_types
from sandbox.telegram.telegram_state import TelegramState


class BotApi:
    """Executes method calls; each call is one transaction."""

    def __init__(self, state: TelegramState) -> None:
        self._state = state
        self._methods = {method.name.lower(): method for method in METHODS}

    def routes(self) -> list[web.RouteDef]:
        """Return the routes for the application."""
        return [web.route(verb, "/bot{token}/{method}", self.serve) for verb in ("GET", "POST")]

    async def serve(self, request: web.Request) -> web.Response:
        """Answer a method call with its envelope, or with the fault that was injected for it."""
        try:
            method = self._find_method(request)
            parameters = await read_parameters(request)
            fault = self._state.faults.pop_matching(method.name, parameters)
            if fault is None:
                return await self._execute_method(method, parameters)
            return await self._execute_with_fault(request, fault, method, parameters)
        except BotApiError as error:
            return _error_response(error)

    async def execute(self, name: str, values: dict[str, Any]) -> None:
        """Execute the method call that a webhook returned; its result is discarded."""
        method = self._methods.get(name.lower())
        if method is None:
            self._state.violations.record(name, "unknown_method", f"the sandbox has no {name}")
            return
        with contextlib.suppress(BotApiError):
            await self._execute_method(method, CallParameters(values))

    async def _execute_with_fault(
        self,
        request: web.Request,
        fault: TelegramFault,
        method: ApiMethod,
        parameters: CallParameters,
    ) -> web.Response:
        fault.raise_if_error()
        if fault.kind == "bad_gateway":
            return web.Response(status=502, text=BAD_GATEWAY_PAGE, content_type="text/html")
        if fault.kind == "reset_before":
            reset_connection(request)
            return web.Response()
        return await fault.apply_to_response(
            request, await self._execute_method(method, parameters)
        )

    async def _execute_method(self, method: ApiMethod, parameters: CallParameters) -> web.Response:
        self._record_violations(method, parameters)
        try:
            result = await self._execute_rate_limited(
                method, MethodCall(self._state, method.name, parameters)
            )
        except BaseException:
            self._state.rollback()
            raise
        self._state.commit()
        envelope: dict[str, Any] = {"ok": True, "result": result}
        if isinstance(result, DescribedResult):
            envelope |= {"result": result.result, "description": result.description}
        return web.json_response(envelope)

    async def _execute_rate_limited(self, method: ApiMethod, call: MethodCall) -> Any:
        if method.rate_limit_kind is None:
            return await method.handle(call)
        chat_id = call.parameters.get_int("chat_id", low=-(2**63), high=2**63 - 1)
        self._state.rate_limiter.check(method.rate_limit_kind, chat_id)
        result = await method.handle(call)
        self._state.rate_limiter.consume(method.rate_limit_kind, chat_id)
        return result

    def _find_method(self, request: web.Request) -> ApiMethod:
        token, name = request.match_info["token"], request.match_info["method"]
        if not is_valid_token(token):
            raise BotApiError(401, "Unauthorized: invalid token specified")
        if not self._state.bot.is_own_token(token):
            raise BotApiError(401, "Unauthorized")
        method = self._methods.get(name.lower())
        if method is None:
            self._state.violations.record(name, "unknown_method", f"the sandbox has no {name}")
            raise BotApiError(404, "Not Found: method not found")
        return method

    def _record_violations(self, method: ApiMethod, parameters: CallParameters) -> None:
        record = self._state.violations.record
        for name in sorted(parameters.names - set(method.parameters)):
            record(method.name, "unknown_parameter", name)
        for detail in find_unknown_fields(parameters.values):
            record(method.name, "unknown_parameter", detail)
        known = {
            name: parameters.values[name] for name in parameters.names & set(method.parameters)
        }
        for detail in find_wrong_types(known):
            record(method.name, "wrong_type", detail)


def _error_response(error: BotApiError) -> web.Response:
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
