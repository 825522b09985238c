"""The clock of the suite, which rest_service keeps and the chat page shows and moves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog
from aiohttp import web

from sandbox.telegram.telegram_state import TelegramState
from smart_kit.contracts.clock import ClockMove, ClockRead
from smart_kit.contracts.users import UserRead
from smart_kit.errors import DomainError, UpstreamError
from smart_kit.rest_client import ServiceClient

POLL_SECONDS = 5.0
"""Time after which the page shows a move that was made through the REST API."""

FAILURES_AT_START = 12
"""Failed polls at the start before one is logged: rest_service starts after the sandbox."""

log = structlog.stdlib.get_logger()


class SuiteClock:
    """Reads and moves the clock; the messages of the sandbox's Telegram show its time."""

    def __init__(self, state: TelegramState, client: ServiceClient) -> None:
        self._state = state
        self._client = client
        self._moves = 0
        self._failures = 0
        self._logged_failure = FAILURES_AT_START

    async def move(self, body: ClockMove) -> None:
        """Move the clock forward. Raises the errors of ServiceClient."""
        moved = await self._client.call("POST", "/clock", ClockRead, body=body)
        self._moves += 1
        self._set(moved)

    async def refresh(self) -> None:
        """Read the clock. While rest_service does not answer, the known offset stays."""
        moves = self._moves
        try:
            clock = await self._client.call("GET", "/clock", ClockRead, max_attempts=1)
        except (DomainError, UpstreamError) as error:
            self._failures += 1
            if self._failures == self._logged_failure:
                log.warning("clock unavailable", reason=error.message)
            return
        self._failures, self._logged_failure = 0, 1
        if moves == self._moves:  # else the response is older than the move
            self._set(clock)

    async def find_timezone(self, person_id: int) -> str | None:
        """Return the time zone that a person has chosen in the chat, if it is known."""
        path = f"/users/by-telegram-id/{person_id}"
        try:
            return (await self._client.call("GET", path, UserRead, max_attempts=1)).timezone
        except (DomainError, UpstreamError):
            return None

    async def run_beside(self, _: web.Application) -> AsyncIterator[None]:
        """Refresh regularly while the application runs."""
        task = asyncio.create_task(self._poll())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await self._client.close()

    async def _poll(self) -> None:
        while True:
            await self.refresh()
            await asyncio.sleep(POLL_SECONDS)

    def _set(self, clock: ClockRead) -> None:
        self._state.set_clock_offset(clock.offset_seconds)
        self._state.commit()
