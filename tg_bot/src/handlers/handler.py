"""What a command's handler is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .context import HandlerContext
from .incoming import HandlerResult, IncomingMessage


@dataclass(frozen=True)
class Handler:
    """One command. `/help` and the menu in Telegram show the description."""

    command: str
    description: str
    """In English; its translation stands in the `.po` files."""
    handle: Callable[[HandlerContext, IncomingMessage], Awaitable[HandlerResult | None]]
