"""One message or press: who may what, and which handler it is for."""

import re

import structlog

from smart_kit.contracts.queue import Sender
from smart_kit.contracts.users import UserSnapshot

from ..client.update import CallbackQuery, Message, User
from ..handlers import HANDLERS
from ..handlers.callback import handle_callback
from ..handlers.command import parse_command
from ..handlers.context import HandlerContext
from ..handlers.incoming import ButtonPress, HandlerResult, IncomingMessage, IncomingUpdate
from ..handlers.message import handle_message
from ..handlers.start import handle_invitation

log = structlog.stdlib.get_logger()


class Dispatcher:
    """`username` is the bot's, once Telegram has told it."""

    def __init__(self, context: HandlerContext) -> None:
        self.username = ""
        self._context = context
        self._handlers = {handler.command: handler.handle for handler in HANDLERS}

    async def handle_telegram_update(
        self, message_id: str, conversation: str, message: Message, person: UserSnapshot | None
    ) -> HandlerResult | None:
        """What becomes of a message; `message_id` is that of the queue message made from it."""
        author = message.from_user
        if author is None or author.is_bot:
            return None
        command = parse_command(message.text_or_caption) if message.forward_origin is None else None
        incoming = IncomingMessage(
            message_id,
            conversation,
            message.chat.id,
            _to_sender(author),
            person,
            message,
            command,
        )
        decision = self._context.access.check_access(author.id, person)
        if decision == "blocked":
            return None
        if message.chat.type != "private":
            return await self._decline_group(incoming)
        if command is not None and command.name == "start" and command.argument:
            result = await handle_invitation(self._context, incoming)
            return result or await self._refuse(incoming)
        if decision == "refused":
            return await self._refuse(incoming)
        return await self._handle_allowed(incoming)

    async def handle_callback_query(
        self, message_id: str, conversation: str, query: CallbackQuery, person: UserSnapshot | None
    ) -> HandlerResult | None:
        """What becomes of a press; only those in somebody's own chat count."""
        author, chat = query.from_user, query.chat
        if author.is_bot or chat is None or chat.type != "private" or chat.id != author.id:
            log.warning("callback outside a private chat ignored", telegram_id=author.id)
            return None
        press = ButtonPress(message_id, conversation, chat.id, _to_sender(author), query.data or "")
        decision = self._context.access.check_access(author.id, person)
        if decision == "blocked":
            return None
        return handle_callback(press) if decision == "allowed" else await self._refuse(press)

    async def _handle_allowed(self, incoming: IncomingMessage) -> HandlerResult | None:
        if incoming.command is None:
            return handle_message(incoming)
        handle = self._handlers.get(incoming.command.name)
        if handle is None:
            return incoming.build_notice("unknown_command")
        return await handle(self._context, incoming)

    async def _refuse(self, incoming: IncomingUpdate) -> HandlerResult | None:
        telegram_id = incoming.sender.telegram_id
        if not await self._context.access.allow_refusal_notice(telegram_id, incoming.id):
            return None
        log.info("user refused", telegram_id=telegram_id)
        return incoming.build_notice("not_permitted", telegram_id=str(telegram_id))

    async def _decline_group(self, incoming: IncomingMessage) -> HandlerResult | None:
        """Groups have to wait for an issue of their own."""
        if not self._is_addressed(incoming):
            return None
        if not await self._context.access.allow_group_notice(incoming.chat_id, incoming.id):
            return None
        return incoming.build_notice("private_chats_only")

    def _is_addressed(self, incoming: IncomingMessage) -> bool:
        command, name = incoming.command, self.username.lower()
        if command is not None:
            return command.bot is None or command.bot.lower() == name
        mention = rf"(?<!\w)@{re.escape(name)}(?!\w)"
        return (
            bool(name) and re.search(mention, incoming.message.text_or_caption.lower()) is not None
        )


def _to_sender(user: User) -> Sender:
    return Sender(
        telegram_id=user.id,
        first_name=(user.first_name or "")[:255],
        username=user.username,
        language_code=user.language_code,
    )
