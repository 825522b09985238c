"""What is said to Telegram at once about an update, and updates of which nothing comes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog

from ..client.errors import TELEGRAM_ERRORS
from ..client.telegram import TelegramClient
from ..client.update import CallbackQuery, Update

ACKNOWLEDGE_TIMEOUT_SECONDS = 3.0

log = structlog.stdlib.get_logger()


class CallbackAcknowledger:
    """Presses, blocks, and what the bot has not asked for."""

    def __init__(self, client: TelegramClient) -> None:
        self._client = client
        self._logged_kinds: set[frozenset[str]] = set()

    @asynccontextmanager
    async def acknowledging(self, callback_queries: Sequence[CallbackQuery]) -> AsyncIterator[None]:
        """Answer the presses beside the block: a button waits for that, the queue does not.

        Never raises for what Telegram says.
        """
        acknowledgements = [
            asyncio.create_task(self._acknowledge(one.id)) for one in callback_queries
        ]
        try:
            yield
            await asyncio.gather(*acknowledgements)
        finally:
            for release in acknowledgements:
                release.cancel()
            await asyncio.gather(*acknowledgements, return_exceptions=True)

    def log_ignored(self, update: Update) -> None:
        """An update that asks for nothing."""
        if update.my_chat_member is not None:
            change = update.my_chat_member
            log.info(
                "bot membership changed",
                chat_id=change.chat.id,
                status=change.new_chat_member.status,
            )
        elif update.stopped_message_generation is None:
            self._log_unexpected(frozenset(update.raw) - {"update_id"})

    def _log_unexpected(self, fields: frozenset[str]) -> None:
        """Once: Telegram may send many of them."""
        if fields not in self._logged_kinds:
            self._logged_kinds.add(fields)
            log.warning("unexpected update kind ignored", fields=sorted(fields))

    async def _acknowledge(self, callback_query_id: str) -> None:
        """A pressed button waits until it is answered."""
        try:
            async with asyncio.timeout(ACKNOWLEDGE_TIMEOUT_SECONDS):
                await self._client.answer_callback_query(callback_query_id)
        except (TimeoutError, *TELEGRAM_ERRORS) as error:
            log.info("callback query not acknowledged", reason=str(error) or type(error).__name__)
