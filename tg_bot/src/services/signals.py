"""Updates that are no messages: they are noticed, and nothing comes of them yet."""

import asyncio

import structlog

from ..client.errors import TELEGRAM_ERRORS
from ..client.telegram import TelegramClient
from ..client.update import Update

ANSWER_SECONDS = 3.0

log = structlog.stdlib.get_logger()


class Signals:
    """Presses, blocks, stops, and what the bot has not asked for."""

    def __init__(self, client: TelegramClient) -> None:
        self._client = client
        self._unknown: set[frozenset[str]] = set()

    async def note(self, update: Update) -> None:
        """Never raises for what Telegram says."""
        if update.callback_query is not None:
            await self._release(update.callback_query.id)
        elif update.my_chat_member is not None:
            change = update.my_chat_member
            log.info("membership", chat_id=change.chat.id, status=change.new_chat_member.status)
        elif update.stopped_message_generation is None:
            self._note_unknown(frozenset(update.raw) - {"update_id"})

    def _note_unknown(self, fields: frozenset[str]) -> None:
        """Once: Telegram may send many of them."""
        if fields not in self._unknown:
            self._unknown.add(fields)
            log.warning("update of a kind that was not asked for", fields=sorted(fields))

    async def _release(self, callback_query_id: str) -> None:
        """A pressed button waits until it is answered."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._client.answer_callback_query(callback_query_id)
        except (TimeoutError, *TELEGRAM_ERRORS) as error:
            log.info("button not answered", reason=str(error) or type(error).__name__)
