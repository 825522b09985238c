"""What is said to Telegram at once about an update, and updates of which nothing comes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog

from ..client.errors import TELEGRAM_ERRORS
from ..client.telegram import TelegramClient
from ..client.update import CallbackQuery, Update

ANSWER_SECONDS = 3.0

log = structlog.stdlib.get_logger()


class Signals:
    """Presses, blocks, and what the bot has not asked for."""

    def __init__(self, client: TelegramClient) -> None:
        self._client = client
        self._unknown: set[frozenset[str]] = set()

    @asynccontextmanager
    async def released(self, presses: Sequence[CallbackQuery]) -> AsyncIterator[None]:
        """Answer the presses beside the block: a button waits for that, the queue does not.

        Never raises for what Telegram says.
        """
        releases = [asyncio.create_task(self._release(one.id)) for one in presses]
        try:
            yield
            await asyncio.gather(*releases)
        finally:
            for release in releases:
                release.cancel()
            await asyncio.gather(*releases, return_exceptions=True)

    def note(self, update: Update) -> None:
        """An update that asks for nothing."""
        if update.my_chat_member is not None:
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
