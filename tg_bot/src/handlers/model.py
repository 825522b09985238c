"""/model: keeps its place among the messages; the secretary knows which there are."""

from smart_kit.contracts.queue import UserCommand

from ..texts.translations import N_
from .context import HandlerContext
from .handler import Handler
from .incoming import IncomingMessage


async def handle_model(_: HandlerContext, incoming: IncomingMessage) -> UserCommand:
    """A choice of models comes back, as buttons."""
    return incoming.build_command("model")


HANDLER = Handler("model", N_("choose a model"), handle_model)
