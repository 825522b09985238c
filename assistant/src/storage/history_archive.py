"""Loads the history of a thread from rest_service, for threads that Redis has lost."""

import asyncio
import time
from uuid import UUID

import structlog

from smart_kit.errors import DomainError, UpstreamError

from ..messages.item import encode_json
from ..services.rest_service import RestServiceClient

MAX_ITEMS = 200
"""The page size of one request."""
TIMEOUT_SECONDS = 2.0
"""Longest delay of a user's answer."""
COOLDOWN_SECONDS = 30.0
"""Pause after a request that was not answered."""

log = structlog.stdlib.get_logger()


class HistoryArchive:
    """Reads archived messages with a short timeout, and pauses while rest_service is down."""

    def __init__(self, rest: RestServiceClient) -> None:
        self._rest = rest
        self._is_unavailable = False
        self._retry_at = 0.0

    async def fetch_newest(self, user_id: UUID, thread_id: UUID) -> list[str] | None:
        """Return the newest items, oldest first; None: rest_service is unavailable."""
        if self._is_unavailable and time.monotonic() < self._retry_at:
            return None
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                page = await self._rest.list_newest_messages(user_id, thread_id, MAX_ITEMS)
        except (DomainError, UpstreamError, TimeoutError) as error:
            self._record_unavailable(str(error) or "no answer in time")
            return None
        self._is_unavailable = False
        return [encode_json(message.payload) for message in page.items]

    def _record_unavailable(self, reason: str) -> None:
        if not self._is_unavailable:
            log.warning("history archive unavailable", reason=reason)
        self._is_unavailable = True
        self._retry_at = time.monotonic() + COOLDOWN_SECONDS
