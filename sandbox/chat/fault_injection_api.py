"""Routes by which tests inject faults into the sandbox's Telegram.

GET POST DELETE /chat/api/faults        faults for the next calls of a method
GET             /chat/api/violations    calls that do not conform to the Bot API
POST            /chat/api/updates       queue an update of any shape for the bot
PUT             /chat/api/limits        change flood limits; 0 switches a limit off
"""

from typing import Any

from aiohttp import web

from sandbox.chat.json_api import JsonApi, JsonBody, read_body
from sandbox.telegram.faults import TelegramFault
from sandbox.telegram.rate_limiter import FloodLimits


class RawUpdateCreate(JsonBody):
    """Any JSON value; an object without an `update_id` gets one."""

    update: Any


class FaultInjectionApi(JsonApi):
    """The routes."""

    def routes(self) -> list[web.RouteDef]:
        """Return the routes for the application."""
        return [
            web.get("/chat/api/faults", self._build_json_handler(self.list_faults)),
            web.post("/chat/api/faults", self._build_json_handler(self.add_fault)),
            web.delete("/chat/api/faults", self._build_json_handler(self.clear_faults)),
            web.get("/chat/api/violations", self._build_json_handler(self.list_violations)),
            web.post("/chat/api/updates", self._build_json_handler(self.add_update)),
            web.put("/chat/api/limits", self._build_json_handler(self.set_limits)),
        ]

    async def list_faults(self, _: web.Request) -> dict[str, Any]:
        """Return the faults that are still waiting for calls."""
        return {"items": [fault.model_dump() for fault in self._state.faults.items]}

    async def add_fault(self, request: web.Request) -> dict[str, Any]:
        """Queue a fault; several faults of one method apply in the order of their creation."""
        fault = await read_body(request, TelegramFault)
        self._state.faults.items.append(fault)
        return fault.model_dump()

    async def clear_faults(self, _: web.Request) -> dict[str, Any]:
        """Delete all faults."""
        self._state.faults.items.clear()
        return {"items": []}

    async def list_violations(self, _: web.Request) -> dict[str, Any]:
        """Return the recorded violations; the test suite fails if there are any."""
        return {"items": [*self._state.violations.items]}

    async def add_update(self, request: web.Request) -> dict[str, Any]:
        """Queue an update, regardless of the bot's `allowed_updates`."""
        body = await read_body(request, RawUpdateCreate)
        return {"update_id": self._state.updates.push_raw(body.update)}

    async def set_limits(self, request: web.Request) -> dict[str, Any]:
        """Change the limits that the body names and reset all counters."""
        changes = (await read_body(request, FloodLimits)).model_dump(exclude_unset=True)
        limits = self._state.rate_limiter.limits.model_copy(update=changes)
        self._state.rate_limiter.set_limits(limits)
        return limits.model_dump()
