"""/new: keeps its place among the messages, so the secretary carries it out."""

from smart_kit.contracts.queue import UserCommand
from tg_bot.src.handlers.context import Context
from tg_bot.src.handlers.handler import Handler
from tg_bot.src.handlers.incoming import Incoming
from tg_bot.src.texts.translations import N_


async def handle_new(_: Context, incoming: Incoming) -> UserCommand:
    """The next messages begin a new conversation."""
    return UserCommand(
        id=incoming.id,
        conversation=incoming.conversation,
        chat_id=incoming.chat_id,
        correlation_id=incoming.id,
        sender=incoming.sender,
        name="new",
    )


HANDLER = Handler("new", N_("begin a new conversation"), handle_new)
