"""A rest_service that has only a clock and users."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from aiohttp import web
from aiohttp.test_utils import TestServer

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.users import UserRead

SERVICE_TOKEN = "a-service-token-for-tests"


class FakeRestService:
    """Answers as rest_service does."""

    def __init__(self) -> None:
        self.url = ""
        self.offset_seconds = 0
        self.timezones: dict[int, str | None] = {}
        """The time zones of the users, by Telegram id."""
        self.moves: list[dict[str, Any]] = []
        self.is_down = False

    @property
    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/api/clock", self._get_clock),
                web.post("/api/clock", self._move_clock),
                web.get("/api/users/by-telegram-id/{id}", self._get_user),
            ]
        )
        return app

    async def _get_clock(self, request: web.Request) -> web.Response:
        return self._refuse(request) or self._describe_clock()

    async def _move_clock(self, request: web.Request) -> web.Response:
        if refusal := self._refuse(request):
            return refusal
        body = await request.json()
        self.moves.append(body)
        seconds = body.get("advance_seconds")
        if seconds is None:
            wanted = datetime.fromisoformat(body["now"])
            seconds = ceil((wanted - utc_now()).total_seconds()) - self.offset_seconds
        if seconds < 0:
            detail = "The clock cannot go back."
            return web.json_response({"error": "conflict", "detail": detail}, status=409)
        self.offset_seconds += seconds
        return self._describe_clock()

    async def _get_user(self, request: web.Request) -> web.Response:
        telegram_id = int(request.match_info["id"])
        if refusal := self._refuse(request):
            return refusal
        if telegram_id not in self.timezones:
            return web.json_response({"error": "not_found", "detail": "no user"}, status=404)
        user = UserRead(
            id=UUID(int=telegram_id),
            created_at=utc_now(),
            updated_at=utc_now(),
            telegram_id=telegram_id,
            first_name="Alice",
            username=None,
            language_code="en",
            language=None,
            timezone=self.timezones[telegram_id],
            assistant_id=None,
            model=None,
            role="user",
            status="active",
            daily_budget=None,
            is_invited=False,
        )
        return web.Response(text=user.model_dump_json(), content_type="application/json")

    def _refuse(self, request: web.Request) -> web.Response | None:
        if self.is_down:
            return web.json_response({"detail": "Postgres is away"}, status=503)
        if request.headers["Authorization"] != f"Bearer {SERVICE_TOKEN}":
            return web.json_response({"detail": "A valid bearer token is needed."}, status=401)
        return None

    def _describe_clock(self) -> web.Response:
        now = datetime.now(UTC) + timedelta(seconds=self.offset_seconds)
        return web.json_response({"now": now.isoformat(), "offset_seconds": self.offset_seconds})


@asynccontextmanager
async def run_fake_rest_service() -> AsyncIterator[FakeRestService]:
    """Run it on a socket."""
    fake = FakeRestService()
    async with TestServer(fake.app) as server:
        fake.url = str(server.make_url("")).rstrip("/")
        yield fake
