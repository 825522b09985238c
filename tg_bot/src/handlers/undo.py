"""/undo: keeps its place among the messages, so the secretary carries it out."""

from smart_kit.contracts.queue import UserCommand

from ..texts.translations import N_
from .context import Context
from .handler import Handler
from .incoming import Incoming


async def handle_undo(_: Context, incoming: Incoming) -> UserCommand:
    """The last change is taken back; the receipt that comes says which it was."""
    return incoming.command_in_order("undo")


HANDLER = Handler("undo", N_("take back the last change"), handle_undo)
