"""The Bot API over HTTP at `/bot{token}/{method}`: envelope, violations, injected faults."""

import contextlib
from typing import Any

from aiohttp import web

from sandbox.telegram.bot import is_valid_token
from sandbox.telegram.errors import BotApiError
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
            self._validate_token(request.match_info["token"])
            method = self._get_method(request.match_info["method"])
            parameters = await read_parameters(request)
            fault = self._state.faults.pop_matching(method.name, parameters)
            if fault and (replaced := fault.replace_response(request)) is not None:
                return replaced
            response = await self._execute_method(method, parameters)
            if fault:
                await fault.disturb_response(request)
            return response
        except BotApiError as error:
            return _error_response(error)

    async def execute(self, name: str, values: dict[str, Any]) -> None:
        """Execute the method call that a webhook returned; its result is discarded."""
        with contextlib.suppress(BotApiError):
            await self._execute_method(self._get_method(name), CallParameters(values))

    async def _execute_method(self, method: ApiMethod, parameters: CallParameters) -> web.Response:
        self._record_violations(method, parameters)
        call = MethodCall(self._state, method.name, parameters)
        try:
            result = await self._execute_rate_limited(method, call)
        except BaseException:
            self._state.rollback()
            raise
        self._state.commit()
        envelope = {"ok": True, "result": result}
        if isinstance(result, DescribedResult):
            envelope |= {"result": True, "description": result.description}
        return web.json_response(envelope)

    async def _execute_rate_limited(self, method: ApiMethod, call: MethodCall) -> Any:
        if method.rate_limit_kind is None:
            return await method.handle(call)
        chat_id = call.parameters.get_int("chat_id", low=-(2**63), high=2**63 - 1)
        self._state.rate_limiter.check(method.rate_limit_kind, chat_id)
        result = await method.handle(call)
        self._state.rate_limiter.consume(method.rate_limit_kind, chat_id)
        return result

    def _validate_token(self, token: str) -> None:
        if not is_valid_token(token):
            raise BotApiError(401, "Unauthorized: invalid token specified")
        if not self._state.bot.is_own_token(token):
            raise BotApiError(401, "Unauthorized")

    def _get_method(self, name: str) -> ApiMethod:
        method = self._methods.get(name.lower())
        if method is None:
            self._state.violations.record(name, "unknown_method", f"the sandbox has no {name}")
            raise BotApiError(404, "Not Found: method not found")
        return method

    def _record_violations(self, method: ApiMethod, parameters: CallParameters) -> None:
        values, known = parameters.values, set(method.parameters.split())
        for detail in (*sorted(values.keys() - known), *find_unknown_fields(values)):
            self._state.violations.record(method.name, "unknown_parameter", detail)
        for detail in find_wrong_types({name: values[name] for name in values.keys() & known}):
            self._state.violations.record(method.name, "wrong_type", detail)


def _error_response(error: BotApiError) -> web.Response:
    envelope = {"ok": False, "error_code": error.code, "description": error.description}
    if error.parameters:
        envelope["parameters"] = error.parameters
    seconds = error.parameters.get("retry_after")
    headers = {"Retry-After": str(seconds)} if seconds is not None else {}
    return web.json_response(envelope, status=error.code, headers=headers)
