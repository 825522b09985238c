"""/assistant: keeps its place among the messages; the secretary knows whom there is."""

from smart_kit.contracts.queue import UserCommand

from ..texts.translations import N_
from .context import HandlerContext
from .handler import Handler
from .incoming import IncomingMessage


async def handle_assistant(_: HandlerContext, incoming: IncomingMessage) -> UserCommand:
    """A choice of assistants comes back, as buttons."""
    return incoming.build_command("assistant")


HANDLER = Handler("assistant", N_("choose an assistant"), handle_assistant)
