"""What tests order from the sandbox's Telegram: troubles, limits, updates of any shape.

GET POST DELETE /chat/api/faults        what the next calls of a method meet
GET DELETE      /chat/api/violations    what bots did that the Bot API does not know
POST            /chat/api/updates       put anything into the bot's queue
GET PUT         /chat/api/limits        flood limits; 0 is none
"""

from dataclasses import replace
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field, NonNegativeInt

from sandbox.chat.json_api import JsonApi, JsonBody, read_body
from sandbox.telegram.faults import ANY_METHOD, TelegramFault
from sandbox.telegram.telegram_state import TelegramState

TelegramFaultKind = Literal[
    "blocked",
    "deactivated",
    "kicked",
    "chat_not_found",
    "reply_deleted",
    "migrated",
    "internal",
    "no_method",
    "too_many_requests",
    "refused",
    "bad_gateway",
    "reset_before",
    "reset_after",
    "slow",
]


Rate = Annotated[float, Field(ge=0, le=1_000_000)]


class FaultCreate(JsonBody):
    """A `Fault`; see there."""

    kind: TelegramFaultKind
    method: str = ANY_METHOD
    chat_id: int | None = None
    times: int = Field(1, ge=1, le=1_000_000)
    seconds: float = Field(3.0, ge=0, le=3600)
    migrate_to_chat_id: int = 0
    error_code: int = Field(400, ge=400, le=599)
    description: str = "Bad Request"


class UpdateCreate(JsonBody):
    """Anything; an object gets an `update_id` unless it brings one."""

    update: Any


class FloodLimitsUpdate(JsonBody):
    """The limits to change; 0 = none."""

    per_chat: Rate | None = None
    burst: NonNegativeInt | None = None
    chat_actions: Rate | None = None
    chat_action_burst: NonNegativeInt | None = None
    per_group: Rate | None = None
    overall: Rate | None = None


class FaultInjectionApi:
    """The routes; every one behind the gate."""

    def __init__(self, state: TelegramState, api: JsonApi) -> None:
        self._state = state
        self._api = api

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        handler = self._api.wrap_handler
        return [
            web.get("/chat/api/faults", handler(self.list_faults)),
            web.post("/chat/api/faults", handler(self.add_fault)),
            web.delete("/chat/api/faults", handler(self.clear_faults)),
            web.get("/chat/api/violations", handler(self.list_violations)),
            web.delete("/chat/api/violations", handler(self.clear_violations)),
            web.post("/chat/api/updates", handler(self.add_update)),
            web.get("/chat/api/limits", handler(self.get_limits)),
            web.put("/chat/api/limits", handler(self.set_limits)),
        ]

    async def list_faults(self, _: web.Request) -> dict[str, Any]:
        """Those that still wait for their calls."""
        return {"items": self._state.faults.to_json()}

    async def add_fault(self, request: web.Request) -> dict[str, Any]:
        """Order one; several are met in their order."""
        fault = TelegramFault(**(await read_body(request, FaultCreate)).model_dump())
        self._state.faults.add(fault)
        return fault.to_json()

    async def clear_faults(self, _: web.Request) -> dict[str, Any]:
        """No trouble any more."""
        self._state.faults.clear()
        return {"items": []}

    async def list_violations(self, _: web.Request) -> dict[str, Any]:
        """A test fails where `items` is not empty; `warnings` are for the eye."""
        return self._state.violations.to_json()

    async def clear_violations(self, _: web.Request) -> dict[str, Any]:
        """Begin anew."""
        self._state.violations.clear()
        return self._state.violations.to_json()

    async def add_update(self, request: web.Request) -> dict[str, Any]:
        """Queue it, whatever the bot has asked for."""
        given = await read_body(request, UpdateCreate)
        return {"update_id": self._state.updates.push_raw(given.update)}

    async def get_limits(self, _: web.Request) -> dict[str, Any]:
        """Those in force."""
        return self._state.rate_limiter.limits.to_json()

    async def set_limits(self, request: web.Request) -> dict[str, Any]:
        """Change the given ones; what was counted is forgotten."""
        given = (await read_body(request, FloodLimitsUpdate)).model_dump(exclude_none=True)
        self._state.rate_limiter.set_limits(replace(self._state.rate_limiter.limits, **given))
        return self._state.rate_limiter.limits.to_json()
