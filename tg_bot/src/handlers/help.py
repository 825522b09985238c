"""/help: what can be asked, and the commands."""

from smart_kit.contracts.queue import Notice

from ..texts.translations import N_
from .context import Context
from .handler import Handler
from .incoming import Incoming


async def handle_help(_: Context, incoming: Incoming) -> Notice:
    """The words follow from HANDLERS when it is sent."""
    return incoming.notice("help")


HANDLER = Handler("help", N_("what I can do"), handle_help)
