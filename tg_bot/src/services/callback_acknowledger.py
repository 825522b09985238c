"""Answers callback queries: Telegram shows a pressed button as loading until then."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog

from ..client.errors import TELEGRAM_ERRORS
from ..client.telegram import TelegramClient
from ..client.update import CallbackQuery

ACKNOWLEDGE_TIMEOUT_SECONDS = 3.0

log = structlog.stdlib.get_logger()


@asynccontextmanager
async def acknowledging_callbacks(
    client: TelegramClient, queries: Sequence[CallbackQuery]
) -> AsyncIterator[None]:
    """Answer the queries while the block runs, so that neither delays the other.

    Leaving the block waits for the answers. A TelegramError is logged and not raised.
    """
    tasks = [asyncio.create_task(_acknowledge(client, query.id)) for query in queries]
    try:
        yield
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _acknowledge(client: TelegramClient, callback_query_id: str) -> None:
    try:
        async with asyncio.timeout(ACKNOWLEDGE_TIMEOUT_SECONDS):
            await client.answer_callback_query(callback_query_id)
    except (TimeoutError, *TELEGRAM_ERRORS) as error:
        log.info("callback query not acknowledged", reason=str(error) or type(error).__name__)
