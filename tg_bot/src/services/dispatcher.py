"""One message or press: who may what, and which handler it is for."""

import re

import structlog

from smart_kit.contracts.queue import Sender
from smart_kit.contracts.users import UserSnapshot

from ..client.update import CallbackQuery, Message, User
from ..handlers import HANDLERS
from ..handlers.command import parse_command
from ..handlers.context import Context
from ..handlers.incoming import Answer, Cause, Incoming, Press
from ..handlers.message import handle_message
from ..handlers.press import handle_press
from ..handlers.start import handle_invitation

log = structlog.stdlib.get_logger()


class Dispatcher:
    """`username` is the bot's, once Telegram has told it."""

    def __init__(self, context: Context) -> None:
        self.username = ""
        self._context = context
        self._handlers = {handler.command: handler.handle for handler in HANDLERS}

    async def dispatch(
        self, message_id: str, conversation: str, message: Message, person: UserSnapshot | None
    ) -> Answer | None:
        """What becomes of a message; `message_id` is that of the queue message made from it."""
        author = message.from_user
        if author is None or author.is_bot:
            return None
        command = parse_command(message.words) if message.forward_origin is None else None
        incoming = Incoming(
            message_id,
            conversation,
            message.chat.id,
            _sender(author),
            person,
            message,
            command,
        )
        verdict = self._context.access.judge(author.id, person)
        if verdict == "blocked":
            return None
        if message.chat.type != "private":
            return await self._send_away(incoming)
        if command is not None and command.name == "start" and command.argument:
            answer = await handle_invitation(self._context, incoming)
            return answer or await self._refuse(incoming)
        if verdict == "refused":
            return await self._refuse(incoming)
        return await self._serve(incoming)

    async def dispatch_press(
        self, message_id: str, conversation: str, query: CallbackQuery, person: UserSnapshot | None
    ) -> Answer | None:
        """What becomes of a press; only those in somebody's own chat count."""
        author, chat = query.from_user, query.chat
        if author.is_bot or chat is None or chat.type != "private" or chat.id != author.id:
            log.warning("press outside a private chat", telegram_id=author.id)
            return None
        press = Press(message_id, conversation, chat.id, _sender(author), query.data or "")
        verdict = self._context.access.judge(author.id, person)
        if verdict == "blocked":
            return None
        return handle_press(press) if verdict == "allowed" else await self._refuse(press)

    async def _serve(self, incoming: Incoming) -> Answer | None:
        if incoming.command is None:
            return handle_message(incoming)
        handle = self._handlers.get(incoming.command.name)
        if handle is None:
            return incoming.notice("unknown_command")
        return await handle(self._context, incoming)

    async def _refuse(self, cause: Cause) -> Answer | None:
        telegram_id = cause.sender.telegram_id
        if not await self._context.access.may_be_refused(telegram_id, cause.id):
            return None
        log.info("refused", telegram_id=telegram_id)
        return cause.notice("not_permitted", telegram_id=str(telegram_id))

    async def _send_away(self, incoming: Incoming) -> Answer | None:
        """Groups have to wait for an issue of their own."""
        if not self._is_addressed(incoming):
            return None
        if not await self._context.access.may_be_sent_away(incoming.chat_id, incoming.id):
            return None
        return incoming.notice("private_chats_only")

    def _is_addressed(self, incoming: Incoming) -> bool:
        command, name = incoming.command, self.username.lower()
        if command is not None:
            return command.bot is None or command.bot.lower() == name
        mention = rf"(?<!\w)@{re.escape(name)}(?!\w)"
        return bool(name) and re.search(mention, incoming.message.words.lower()) is not None


def _sender(user: User) -> Sender:
    return Sender(
        telegram_id=user.id,
        first_name=(user.first_name or "")[:255],
        username=user.username,
        language_code=user.language_code,
    )
