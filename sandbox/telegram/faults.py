"""Faults that tests inject into the next calls of a Bot API method."""

import asyncio
import socket
import struct
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from sandbox.telegram.errors import BotApiError, too_many_requests
from sandbox.telegram.parameters import CallParameters

ANY_METHOD = "*"
BAD_GATEWAY_PAGE = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body></body>\r\n</html>\r\n"
)
_ERRORS = {
    "blocked": (403, "Forbidden: bot was blocked by the user"),
    "kicked": (403, "Forbidden: bot was kicked from the supergroup chat"),
    "migrated": (400, "Bad Request: group chat was upgraded to a supergroup chat"),
    "internal": (500, "Internal Server Error: restart"),
}
FaultKind = Literal[
    "blocked",
    "kicked",
    "migrated",
    "internal",
    "too_many_requests",
    "refused",
    "bad_gateway",
    "reset_before",
    "reset_after",
    "slow",
]
_ZERO_LINGER = struct.pack("ii", 1, 0)


class TelegramFault(BaseModel):
    """What happens to the next `times` calls of a method, as `POST /chat/api/faults` takes it."""

    model_config = ConfigDict(extra="forbid")

    kind: FaultKind
    method: str = ANY_METHOD
    chat_id: int | None = None
    times: int = Field(1, ge=1, le=1_000_000)
    seconds: float = Field(3.0, ge=0, le=3600)
    """The `retry_after` of too_many_requests, the delay of slow."""
    migrate_to_chat_id: int = 0
    """For migrated."""
    error_code: int = Field(400, ge=400, le=599)
    """For refused."""
    description: str = "Bad Request"
    """For refused."""

    def matches(self, method: str, parameters: CallParameters) -> bool:
        """Return whether this fault applies to a call."""
        if self.method not in (ANY_METHOD, method):
            return False
        return self.chat_id is None or parameters.get_text("chat_id") == str(self.chat_id)

    def replace_response(self, request: web.Request) -> web.Response | None:
        """Return the response of a call that is not executed. Raises BotApiError for a refusal."""
        match self.kind:
            case "refused":
                raise BotApiError(self.error_code, self.description)
            case "too_many_requests":
                raise too_many_requests(int(self.seconds))
            case "migrated":
                raise BotApiError(*_ERRORS["migrated"], migrate_to_chat_id=self.migrate_to_chat_id)
            case "blocked" | "kicked" | "internal":
                raise BotApiError(*_ERRORS[self.kind])
            case "bad_gateway":
                return web.Response(status=502, text=BAD_GATEWAY_PAGE, content_type="text/html")
            case "reset_before":
                _reset_connection(request)
                return web.Response()
        return None

    async def disturb_response(self, request: web.Request) -> None:
        """Delay or cut off the response of an executed call."""
        if self.kind == "reset_after":
            _reset_connection(request)
        elif self.kind == "slow":
            await asyncio.sleep(self.seconds)


class FaultQueue:
    """Faults that wait for calls; each call uses up the first fault that matches."""

    def __init__(self) -> None:
        self.items: list[TelegramFault] = []

    def pop_matching(self, method: str, parameters: CallParameters) -> TelegramFault | None:
        """Return the fault for this call and count it."""
        fault = next((queued for queued in self.items if queued.matches(method, parameters)), None)
        if fault is not None:
            fault.times -= 1
            if not fault.times:
                self.items.remove(fault)
        return fault


def _reset_connection(request: web.Request) -> None:
    """Close the connection with a TCP reset."""
    if transport := request.transport:
        if connection := transport.get_extra_info("socket"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ZERO_LINGER)
        transport.abort()
