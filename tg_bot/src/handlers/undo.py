"""/undo: keeps its place among the messages, so the secretary carries it out."""

from smart_kit.contracts.queue import UserCommand

from ..texts.translations import N_
from .context import HandlerContext
from .handler import Handler
from .incoming import IncomingMessage


async def handle_undo(_: HandlerContext, incoming: IncomingMessage) -> UserCommand:
    """The last change is taken back; the receipt that comes says which it was."""
    return incoming.build_command("undo")


HANDLER = Handler("undo", N_("take back the last change"), handle_undo)
