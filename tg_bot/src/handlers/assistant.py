"""/assistant: keeps its place among the messages; the secretary knows whom there is."""

from smart_kit.contracts.queue import UserCommand

from ..texts.translations import N_
from .context import Context
from .handler import Handler
from .incoming import Incoming


async def handle_assistant(_: Context, incoming: Incoming) -> UserCommand:
    """A choice of assistants comes back, as buttons."""
    return incoming.command_in_order("assistant")


HANDLER = Handler("assistant", N_("choose an assistant"), handle_assistant)
