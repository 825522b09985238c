"""A fake rest_service for the bot. Like the real one it writes user snapshots to Redis."""

import asyncio
import json
from uuid import UUID, uuid4

import httpx2

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.keys import user_key
from smart_kit.contracts.users import UserRead, UserSnapshot
from smart_kit.redis import Redis
from smart_kit.rest_client.httpx2_transport import Httpx2Transport
from tg_bot.tests.fake_records import FakeRecords

USER_PATH = "/api/users/by-telegram-id/"


class FakeRestService:
    """Tests read and write its state."""

    def __init__(self, redis: Redis) -> None:
        self.calls: list[httpx2.Request] = []
        self.users: dict[int, UserRead] = {}
        self.invite_codes: set[str] = set()
        self.failure_status: int | None = None
        """Status of every response, if set."""
        self.is_hanging = False
        """Never respond."""
        self.failing_paths: set[str] = set()
        """Paths, without `/api`, whose requests get a 503."""
        self.records = FakeRecords()
        self._redis = redis

    async def add_user(self, telegram_id: int, **facts: object) -> UserRead:
        """Add a user."""
        now = utc_now()
        defaults = {
            "id": uuid4(),
            "telegram_id": telegram_id,
            "first_name": "",
            "username": None,
            "language_code": None,
            "language": None,
            "timezone": None,
            "assistant_id": None,
            "model": None,
            "daily_budget": None,
            "role": "user",
            "status": "active",
            "is_invited": False,
            "created_at": now,
            "updated_at": now,
        }
        known = self.users.get(telegram_id)
        user = UserRead.model_validate(defaults | (known.model_dump() if known else {}) | facts)
        self.users[telegram_id] = user
        snapshot = UserSnapshot(**user.model_dump(), version=1)
        await self._redis.set(user_key(telegram_id), snapshot.model_dump_json())
        return user

    def make_transport(self) -> Httpx2Transport:
        """Return what sends the requests of a client to this fake."""
        return Httpx2Transport("http://rest", httpx2.MockTransport(self.handle_request))

    async def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Handle one request."""
        self.calls.append(request)
        if self.is_hanging:
            await asyncio.Event().wait()
        if self.failure_status is not None:
            return _error_response(self.failure_status, "no")
        path, method = request.url.path, request.method
        if path.removeprefix("/api") in self.failing_paths:
            return _error_response(503, "no")
        if (response := self.records.handle_request(request)) is not None:
            return response
        if method == "GET" and path.startswith(USER_PATH):
            return _user_response(self.users.get(int(path.removeprefix(USER_PATH))))
        if method == "GET":
            return _user_response(self._find(path))
        body = json.loads(request.content)
        if method == "PATCH":
            return _user_response(await self._change_user(request, self._find(path), body))
        if path == "/api/invites/redeem":
            return await self._redeem(body)
        if body["telegram_id"] in self.users:
            return _error_response(409, "There is such a user already")
        return _user_response(await self.add_user(**body), 201)

    async def _change_user(
        self, request: httpx2.Request, user: UserRead | None, change: dict[str, object]
    ) -> UserRead | None:
        """Change a user; with an Idempotency-Key, return the receipt of changed settings."""
        if user is None:
            return None
        changed = await self.add_user(user.telegram_id, **change)
        before, after = (
            one.model_dump(include={"timezone", "language"}) for one in (user, changed)
        )
        if before == after:
            return changed
        effect = self.records.record_effect(request, "settings_changed", before, after)
        return changed.model_copy(update={"effect": effect})

    def _find(self, path: str) -> UserRead | None:
        wanted = UUID(path.rpartition("/")[2])
        return next((user for user in self.users.values() if user.id == wanted), None)

    async def _redeem(self, body: dict[str, object]) -> httpx2.Response:
        code = body.pop("code")
        if code not in self.invite_codes:
            return _error_response(404, "This invitation is unknown, used or expired.")
        self.invite_codes.discard(str(code))
        return _user_response(await self.add_user(**body, is_invited=True))  # type: ignore[arg-type] # JSON


def _user_response(user: UserRead | None, status: int = 200) -> httpx2.Response:
    if user is None:
        return _error_response(404, "There is no such user")
    return httpx2.Response(status, content=user.model_dump_json())


def _error_response(status: int, detail: str) -> httpx2.Response:
    return httpx2.Response(status, json={"error": "refused", "detail": detail})
