"""/new: keeps its place among the messages, so the secretary carries it out."""

from smart_kit.contracts.queue import UserCommand

from ..texts.translations import N_
from .context import HandlerContext
from .handler import Handler
from .incoming import IncomingMessage


async def handle_new(_: HandlerContext, incoming: IncomingMessage) -> UserCommand:
    """The next messages begin a new conversation."""
    return incoming.build_command("new")


HANDLER = Handler("new", N_("begin a new conversation"), handle_new)
