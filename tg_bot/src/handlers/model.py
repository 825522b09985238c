"""/model: keeps its place among the messages; the secretary knows which there are."""

from smart_kit.contracts.queue import UserCommand

from ..texts.translations import N_
from .context import Context
from .handler import Handler
from .incoming import Incoming


async def handle_model(_: Context, incoming: Incoming) -> UserCommand:
    """A choice of models comes back, as buttons."""
    return incoming.command_in_order("model")


HANDLER = Handler("model", N_("choose a model"), handle_model)
