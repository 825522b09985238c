"""What was said, as Postgres has it: for a thread that Redis does not know."""

import asyncio
import time
from uuid import UUID

import structlog

from smart_kit.errors import DomainError, UpstreamError

from ..messages.item import encode
from ..services.rest_service import RestServiceClient

MOST_ITEMS = 200
"""As many as one request can bring."""
PATIENCE_SECONDS = 2.0
"""How long an answer to a person may be held up by this."""
PAUSE_SECONDS = 30.0
"""So long rest_service is left alone after it did not answer."""

log = structlog.stdlib.get_logger()


class HistoryArchive:
    """Asks rest_service, briefly, and not at all while it is known to be away."""

    def __init__(self, rest: RestServiceClient) -> None:
        self._rest = rest
        self._is_away = False
        self._ask_again_at = 0.0

    async def newest(self, user_id: UUID, thread_id: UUID) -> list[str] | None:
        """The newest items as they were sent, oldest first; None where nobody could tell."""
        if self._is_away and time.monotonic() < self._ask_again_at:
            return None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                page = await self._rest.newest_messages(user_id, thread_id, MOST_ITEMS)
        except (DomainError, UpstreamError, TimeoutError) as error:
            self._note_absence(str(error) or "no answer in time")
            return None
        self._is_away = False
        return [encode(message.payload) for message in page.items]

    def _note_absence(self, reason: str) -> None:
        if not self._is_away:
            log.warning("histories cannot be refilled for now", reason=reason)
        self._is_away = True
        self._ask_again_at = time.monotonic() + PAUSE_SECONDS
