"""Decides what becomes of one update: whether its sender has access, and which handler gets it."""

import re
from collections.abc import Sequence

import structlog

from smart_kit.contracts import keys
from smart_kit.contracts.queue import InlineButton, Sender
from smart_kit.contracts.users import UserSnapshot

from ..client.update import CallbackQuery, Message, PressedMessage, Update, User
from ..handlers.buttons import BUTTONS
from ..handlers.commands import COMMANDS
from ..handlers.incoming import (
    ButtonPress,
    HandlerResult,
    HandlerServices,
    IncomingMessage,
    IncomingUpdate,
    parse_command,
)
from ..handlers.timezone_command import handle_location

log = structlog.stdlib.get_logger()


class Dispatcher:
    """Dispatches the updates of one bot."""

    def __init__(self, bot_id: int, services: HandlerServices) -> None:
        self.username = ""
        """The bot's username; empty until getMe has returned it."""
        self._bot_id = bot_id
        self._services = services
        self._commands = {command.name: command for command in COMMANDS}
        self._logged_kinds: set[frozenset[str]] = set()

    async def handle_telegram_update(
        self, message_id: str, update: Update, user: UserSnapshot | None
    ) -> Sequence[HandlerResult]:
        """Return what becomes of the update; nothing if it is ignored. Raises RedisError."""
        if update.message is not None:
            return await self._handle_message(message_id, update.message, user)
        if update.callback_query is not None:
            return await self._handle_callback_query(message_id, update.callback_query, user)
        self._log_ignored(update)
        return ()

    async def _handle_message(
        self, message_id: str, message: Message, user: UserSnapshot | None
    ) -> Sequence[HandlerResult]:
        author = message.from_user
        if author is None or author.is_bot:
            return ()
        decision = self._services.access.check_access(author.id, user)
        if decision == "blocked":
            return ()
        incoming = IncomingMessage(
            message_id,
            self._build_conversation_id(message.chat.id),
            message.chat.id,
            _to_sender(author),
            user,
            message,
            parse_command(message.text_or_caption) if message.forward_origin is None else None,
        )
        if message.chat.type != "private":
            return await self._decline_group(incoming)
        return await self._handle_private(incoming, is_allowed=decision == "allowed")

    async def _handle_private(
        self, incoming: IncomingMessage, *, is_allowed: bool
    ) -> Sequence[HandlerResult]:
        command = self._commands.get(incoming.command.name) if incoming.command else None
        if not is_allowed and (command is None or not command.is_public):
            return await self._refuse(incoming)
        if command is not None:
            return _to_results(await command.handle(self._services, incoming)) or (
                await self._refuse(incoming)
            )
        if incoming.command is not None:
            return (incoming.build_notice("unknown_command"),)
        if (location := incoming.message.own_location) is not None:
            return await handle_location(self._services, incoming, location)
        return _to_results(incoming.build_message())

    async def _handle_callback_query(
        self, message_id: str, query: CallbackQuery, user: UserSnapshot | None
    ) -> Sequence[HandlerResult]:
        """Handle a press. Buttons work only in private chats: any other press is ignored."""
        author, message = query.from_user, query.message
        if author.is_bot or message is None or not _is_own_chat(message, author):
            log.warning("callback outside a private chat ignored", telegram_id=author.id)
            return ()
        decision = self._services.access.check_access(author.id, user)
        if decision == "blocked":
            return ()
        press = ButtonPress(
            message_id,
            self._build_conversation_id(message.chat.id),
            message.chat.id,
            _to_sender(author),
            user,
            query.data or "",
            message.message_id,
            message.text or "",
            tuple(
                tuple(InlineButton(label=button.text, data=button.callback_data) for button in row)
                for row in message.button_rows
            ),
        )
        if decision != "allowed":
            return await self._refuse(press)
        return await self._handle_press(press)

    async def _handle_press(self, press: ButtonPress) -> Sequence[HandlerResult]:
        handle = BUTTONS.get(press.kind)
        results = await handle(self._services, press) if handle is not None else None
        if results is None:
            log.warning("unknown callback data ignored", data=ascii(press.data[:64]))
            return ()
        return results

    async def _refuse(self, incoming: IncomingUpdate) -> Sequence[HandlerResult]:
        telegram_id = incoming.sender.telegram_id
        if not await self._services.access.allow_refusal_notice(telegram_id, incoming.id):
            return ()
        log.info("user refused", telegram_id=telegram_id)
        return (incoming.build_notice("not_permitted", telegram_id=str(telegram_id)),)

    async def _decline_group(self, incoming: IncomingMessage) -> Sequence[HandlerResult]:
        allow_notice = self._services.access.allow_group_notice
        if self._is_addressed(incoming) and await allow_notice(incoming.chat_id, incoming.id):
            return (incoming.build_notice("private_chats_only"),)
        return ()

    def _is_addressed(self, incoming: IncomingMessage) -> bool:
        """Return whether a group message is a command for the bot or mentions it."""
        command, name = incoming.command, self.username.lower()
        if command is not None:
            return command.bot is None or command.bot.lower() == name
        text = incoming.message.text_or_caption.lower()
        return bool(name) and bool(re.search(rf"(?<!\w)@{re.escape(name)}(?!\w)", text))

    def _log_ignored(self, update: Update) -> None:
        if (change := update.my_chat_member) is not None:
            status = change.new_chat_member.status
            log.info("bot membership changed", chat_id=change.chat.id, status=status)
        elif update.stopped_message_generation is None:
            fields = frozenset(update.raw) - {"update_id"}
            if fields not in self._logged_kinds:  # once: Telegram may send many of them
                self._logged_kinds.add(fields)
                log.warning("unexpected update kind ignored", fields=sorted(fields))

    def _build_conversation_id(self, chat_id: int) -> str:
        return keys.conversation_for_chat(self._bot_id, chat_id)


def _to_results(result: HandlerResult | None) -> Sequence[HandlerResult]:
    return () if result is None else (result,)


def _is_own_chat(message: PressedMessage, author: User) -> bool:
    return message.chat.type == "private" and message.chat.id == author.id


def _to_sender(user: User) -> Sender:
    return Sender(
        telegram_id=user.id,
        first_name=(user.first_name or "")[:255],
        username=user.username,
        language_code=user.language_code,
    )
