"""What a bot command consists of, and what its handler works with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ..access import AccessControl
from ..client.rest import RestClient
from .incoming import HandlerResult, IncomingMessage

REST_TIMEOUT_SECONDS = 3.0
"""How long a handler waits for rest_service: the chat's next messages wait for the handler."""


@dataclass(frozen=True)
class HandlerContext:
    """The services that handlers use."""

    rest: RestClient
    access: AccessControl


CommandHandler = Callable[[HandlerContext, IncomingMessage], Awaitable[HandlerResult | None]]
"""Returns what becomes of the command; None refuses the sender."""


@dataclass(frozen=True)
class Command:
    """A row of the table in `commands.py`."""

    name: str
    description: str
    """English; shown by /help and in Telegram's command menu, translated by `ru.po`."""
    handle: CommandHandler
    is_public: bool = False
    """Whether `handle` is also called for senders who have no access."""
