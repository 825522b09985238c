"""Trouble on demand: what the next calls of a method meet, for tests."""

import asyncio
import socket
import struct
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from sandbox.telegram.errors import BotApiError, too_many_requests
from sandbox.telegram.parameters import CallParameters

ANY_METHOD = "*"
BAD_GATEWAY_PAGE = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body></body>\r\n</html>\r\n"
)
_ERRORS = {
    "blocked": (403, "Forbidden: bot was blocked by the user"),
    "deactivated": (403, "Forbidden: user is deactivated"),
    "kicked": (403, "Forbidden: bot was kicked from the supergroup chat"),
    "chat_not_found": (400, "Bad Request: chat not found"),
    "reply_deleted": (400, "Bad Request: message to be replied not found"),
    "migrated": (400, "Bad Request: group chat was upgraded to a supergroup chat"),
    "internal": (500, "Internal Server Error: restart"),
    "no_method": (404, "Not Found: method not found"),
}
FAULT_KINDS = (
    *_ERRORS,
    "too_many_requests",
    "refused",
    "bad_gateway",
    "reset_before",
    "reset_after",
    "slow",
)
_ZERO_LINGER = struct.pack("ii", 1, 0)


@dataclass
class TelegramFault:
    """One kind of trouble for the next `times` calls.

    `seconds`: retry_after of too_many_requests, delay of slow; `migrate_to_chat_id`: of migrated;
    `error_code` and `description`: of refused.
    """

    kind: str
    method: str = ANY_METHOD
    chat_id: int | None = None
    times: int = 1
    seconds: float = 3.0
    migrate_to_chat_id: int = 0
    error_code: int = 400
    description: str = "Bad Request"

    def to_json(self) -> dict[str, Any]:
        """What is left of it."""
        return asdict(self)

    def matches(self, method: str, parameters: CallParameters) -> bool:
        """Whether a call is one of those; a call without a reply has nothing to be deleted."""
        if self.method not in (ANY_METHOD, method):
            return False
        if self.chat_id is not None and parameters.get_text("chat_id") != str(self.chat_id):
            return False
        return self.kind != "reply_deleted" or _is_reply_required(parameters)

    def raise_if_error(self) -> None:
        """Raises BotApiError where the call is not carried out."""
        if self.kind == "refused":
            raise BotApiError(self.error_code, self.description)
        if self.kind == "too_many_requests":
            raise too_many_requests(int(self.seconds))
        if self.kind == "migrated":
            raise BotApiError(*_ERRORS["migrated"], migrate_to_chat_id=self.migrate_to_chat_id)
        if self.kind in _ERRORS:
            raise BotApiError(*_ERRORS[self.kind])

    async def apply_to_response(self, request: web.Request, response: web.Response) -> web.Response:
        """What comes back of a call that was carried out."""
        if self.kind == "reset_after":
            reset_connection(request)
        elif self.kind == "slow":
            await asyncio.sleep(self.seconds)
        return response


class FaultQueue:
    """Those that wait for their calls; the first that fits a call is used up."""

    def __init__(self) -> None:
        self._faults: list[TelegramFault] = []

    def add(self, fault: TelegramFault) -> None:
        """From now on."""
        self._faults.append(fault)

    def clear(self) -> None:
        """No trouble any more."""
        self._faults.clear()

    def pop_matching(self, method: str, parameters: CallParameters) -> TelegramFault | None:
        """What this call meets."""
        fault = next((one for one in self._faults if one.matches(method, parameters)), None)
        if fault is not None:
            fault.times -= 1
            self._faults = [one for one in self._faults if one.times > 0]
        return fault

    def to_json(self) -> list[dict[str, Any]]:
        """What still waits."""
        return [one.to_json() for one in self._faults]


def reset_connection(request: web.Request) -> None:
    """Break the connection off so that the other side sees a reset, not an end."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ZERO_LINGER)
    transport.abort()


def _is_reply_required(parameters: CallParameters) -> bool:
    try:
        reply = parameters.get_json("reply_parameters", "reply parameters")
    except BotApiError:
        return False
    if isinstance(reply, dict):
        return bool(reply.get("message_id")) and not reply.get("allow_sending_without_reply")
    is_named = bool(parameters.get_text("reply_to_message_id"))
    return is_named and not parameters.get_bool("allow_sending_without_reply")
