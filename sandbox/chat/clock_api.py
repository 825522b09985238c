"""Routes by which the chat page shows and moves the clock.

GET  /chat/{person_id}/clock   the time, and the person's time zone; `now` is null without a clock
POST /chat/clock               move it forward, by seconds or to a local time
"""

import asyncio
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import NaiveDatetime

from sandbox.chat.json_api import JsonApi, JsonBody, read_body
from sandbox.chat.security import ChatAccessGuard
from sandbox.chat.suite_clock import SuiteClock
from sandbox.telegram.telegram_state import TelegramState
from smart_kit import local_time
from smart_kit.contracts.clock import ClockMove
from smart_kit.errors import InvalidRequest, NotFound
from smart_kit.settings import TimeZoneName


class ClockMoveCreate(JsonBody):
    """A move: by a number of seconds, or to a local time in a time zone."""

    advance_seconds: int | None = None
    local_time: NaiveDatetime | None = None
    timezone: TimeZoneName = "UTC"

    def to_clock_move(self, now: datetime) -> ClockMove:
        """Return the move from the time `now`. Of a local time that occurs twice, the first that
        is still to come is meant. Raises InvalidRequest unless exactly one kind is given."""
        if (self.advance_seconds is None) == (self.local_time is None):
            raise InvalidRequest("Give exactly one of advance_seconds and local_time")
        if self.local_time is None:
            return ClockMove(advance_seconds=self.advance_seconds)
        first = local_time.to_utc(self.local_time, self.timezone)
        second = self.local_time.replace(tzinfo=ZoneInfo(self.timezone), fold=1).astimezone(UTC)
        return ClockMove(now=first if first > now else max(first, second))


class ClockApi(JsonApi):
    """The routes."""

    def __init__(
        self, state: TelegramState, guard: ChatAccessGuard, clock: SuiteClock | None
    ) -> None:
        super().__init__(state, guard)
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Return the routes for the application."""
        return [
            web.get("/chat/{person_id}/clock", self._build_json_handler(self.get_clock)),
            web.post("/chat/clock", self._build_json_handler(self.move_clock)),
        ]

    async def get_clock(self, request: web.Request) -> dict[str, Any]:
        """Return the clock in the person's time zone."""
        person = self._get_person(request)
        if self._clock is None:
            return {"now": None, "offset_seconds": 0, "timezone": None}
        _, timezone = await asyncio.gather(
            self._clock.refresh(), self._clock.find_timezone(person.id)
        )
        return self._describe() | {"timezone": timezone}

    async def move_clock(self, request: web.Request) -> dict[str, Any]:
        """Move the clock forward."""
        body = await read_body(request, ClockMoveCreate)
        if self._clock is None:
            raise NotFound("The clock cannot be moved: SANDBOX_CLOCK is not set")
        await self._clock.move(body.to_clock_move(self._state.clock.now()))
        return self._describe()

    def _describe(self) -> dict[str, Any]:
        clock = self._state.clock
        seconds = int(clock.offset.total_seconds())
        return {"now": clock.now().isoformat(), "offset_seconds": seconds}
