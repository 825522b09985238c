"""/new: keeps its place among the messages, so the secretary carries it out."""

from smart_kit.contracts.queue import UserCommand

from ..texts.translations import N_
from .context import Context
from .handler import Handler
from .incoming import Incoming


async def handle_new(_: Context, incoming: Incoming) -> UserCommand:
    """The next messages begin a new conversation."""
    return incoming.command_in_order("new")


HANDLER = Handler("new", N_("begin a new conversation"), handle_new)
