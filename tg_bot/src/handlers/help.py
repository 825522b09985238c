"""/help: what can be asked, and the commands."""

from smart_kit.contracts.queue import Notice

from ..texts.translations import N_
from .context import HandlerContext
from .handler import Handler
from .incoming import IncomingMessage


async def handle_help(_: HandlerContext, incoming: IncomingMessage) -> Notice:
    """The words follow from HANDLERS when it is sent."""
    return incoming.build_notice("help")


HANDLER = Handler("help", N_("what I can do"), handle_help)
