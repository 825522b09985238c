"""/help: what can be asked, and the commands."""

from smart_kit.contracts.queue import Notice
from tg_bot.src.handlers.context import Context
from tg_bot.src.handlers.handler import Handler
from tg_bot.src.handlers.incoming import Incoming
from tg_bot.src.texts.translations import N_


async def handle_help(_: Context, incoming: Incoming) -> Notice:
    """The words follow from HANDLERS when it is sent."""
    return incoming.notice("help")


HANDLER = Handler("help", N_("what I can do"), handle_help)
