"""What a user sees of a press at once: the button stops loading, the message with it changes.

All of this may be lost. What a user must learn is in a message of its own.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import structlog

from ..client.errors import TELEGRAM_ERRORS
from ..client.telegram import TelegramClient
from ..handlers.incoming import MessageEdit
from ..rendering.rendered_message import button_to_json
from .rate_limiter import TelegramRateLimiter

TIMEOUT_SECONDS = 3.0
"""How long the next updates wait for Telegram."""

_MAX_REMEMBERED_MESSAGES = 1_000

_MessageKey = tuple[int, int]
"""The ids of chat and message."""

log = structlog.stdlib.get_logger()


class PressFeedback:
    """Shows feedback in the chats of one bot."""

    def __init__(self, client: TelegramClient, rate_limiter: TelegramRateLimiter) -> None:
        self._client = client
        self._rate_limiter = rate_limiter
        self._used_buttons: dict[_MessageKey, set[str]] = {}
        """Of messages with several, the oldest first. A quick second press still tells of buttons
        that the first has removed."""

    async def answer(self, callback_query_id: str) -> None:
        """Answer a callback query: until then Telegram shows the pressed button as loading."""
        await _try(
            "callback query not acknowledged", self._client.answer_callback_query(callback_query_id)
        )

    async def edit(self, edits: Sequence[MessageEdit]) -> None:
        """Edit messages, each of them once, within the rate limits of sending."""
        for edit in edits:
            self._remember_used_button(edit)
        by_weight = sorted(edits, key=lambda edit: edit.text is not None)
        chosen = {(edit.chat_id, edit.message_id): edit for edit in by_weight}
        await asyncio.gather(
            *(_try("message not edited", self._edit(edit)) for edit in chosen.values())
        )

    def _remember_used_button(self, edit: MessageEdit) -> None:
        if edit.used_button is None:
            return
        key = (edit.chat_id, edit.message_id)
        used = self._used_buttons.pop(key, set())
        self._used_buttons[key] = used | {edit.used_button}
        if len(self._used_buttons) > _MAX_REMEMBERED_MESSAGES:
            del self._used_buttons[next(iter(self._used_buttons))]

    async def _edit(self, edit: MessageEdit) -> None:
        await self._rate_limiter.acquire(edit.chat_id)
        if edit.text is not None:
            await self._client.edit_message_text(edit.chat_id, edit.message_id, edit.text)
            return
        rows = self._list_unused_buttons(edit) if edit.used_button is not None else []
        await self._client.edit_buttons(edit.chat_id, edit.message_id, rows)

    def _list_unused_buttons(self, edit: MessageEdit) -> list[list[dict[str, Any]]]:
        used = self._used_buttons.get((edit.chat_id, edit.message_id), {edit.used_button})
        rows = (
            [button_to_json(button) for button in row if button.data not in used]
            for row in edit.button_rows
        )
        return [*filter(None, rows)]


async def _try(failure: str, call: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await call
    except (TimeoutError, *TELEGRAM_ERRORS) as error:
        log.info(failure, reason=str(error) or type(error).__name__)
