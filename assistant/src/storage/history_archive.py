"""What was said, as Postgres has it: for a thread that Redis does not know."""

import asyncio
import time
from uuid import UUID

import structlog

from smart_kit.errors import DomainError, UpstreamError

from ..messages.item import encode_json
from ..services.rest_service import RestServiceClient

MAX_ITEMS = 200
"""As many as one request can bring."""
TIMEOUT_SECONDS = 2.0
"""How long an answer to a person may be held up by this."""
COOLDOWN_SECONDS = 30.0
"""So long rest_service is left alone after it did not answer."""

log = structlog.stdlib.get_logger()


class HistoryArchive:
    """Asks rest_service, briefly, and not at all while it is known to be away."""

    def __init__(self, rest: RestServiceClient) -> None:
        self._rest = rest
        self._is_unavailable = False
        self._retry_at = 0.0

    async def fetch_newest(self, user_id: UUID, thread_id: UUID) -> list[str] | None:
        """The newest items as they were sent, oldest first; None where nobody could tell."""
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
