"""What a user sees of a press at once: the button stops loading, the message with it changes.

All of this may be lost. What a user must learn is in a message of its own.
"""

import asyncio
from collections.abc import Awaitable

import structlog

from ..client.errors import TELEGRAM_ERRORS
from ..client.telegram import TelegramClient
from ..handlers.incoming import MessageEdit
from ..rendering.rendered_message import button_to_json
from .rate_limiter import TelegramRateLimiter

TIMEOUT_SECONDS = 3.0
"""How long the next updates wait for Telegram."""

log = structlog.stdlib.get_logger()


class PressFeedback:
    """Shows feedback in the chats of one bot."""

    def __init__(self, client: TelegramClient, rate_limiter: TelegramRateLimiter) -> None:
        self._client = client
        self._rate_limiter = rate_limiter

    async def answer(self, callback_query_id: str) -> None:
        """Answer a callback query: until then Telegram shows the pressed button as loading."""
        await _try(
            "callback query not acknowledged", self._client.answer_callback_query(callback_query_id)
        )

    async def edit(self, edit: MessageEdit) -> None:
        """Edit a message, within the rate limits of sending."""
        await _try("message not edited", self._edit(edit))

    async def _edit(self, edit: MessageEdit) -> None:
        await self._rate_limiter.acquire(edit.chat_id)
        if edit.text is None:
            rows = [[*map(button_to_json, row)] for row in edit.button_rows]
            await self._client.edit_buttons(edit.chat_id, edit.message_id, rows)
        else:
            await self._client.edit_message_text(edit.chat_id, edit.message_id, edit.text)


async def _try(failure: str, call: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await call
    except (TimeoutError, *TELEGRAM_ERRORS) as error:
        log.info(failure, reason=str(error) or type(error).__name__)
