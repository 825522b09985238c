"""The sandbox's clock, which moves forward for all that users see."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from fastapi import FastAPI
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from rest_service.app import database
from rest_service.app.background.snapshot_reconciler import SnapshotReconciler
from rest_service.app.config import Settings
from rest_service.app.database import SessionFactory
from rest_service.app.services import clock
from rest_service.app.snapshots.store import SnapshotStore
from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, list_items
from smart_kit.contracts.keys import CLOCK_CHANNEL, CLOCK_KEY, CRON_CHANNEL
from smart_kit.redis import Redis

DAY_SECONDS = 86_400
TOLERANCE = timedelta(seconds=30)


@pytest.fixture(scope="session")
def sandbox_settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"sandbox_clock": True})


@pytest.fixture
def sandbox_sessions(engine: AsyncEngine) -> SessionFactory:
    return database.create_session_factory(engine, sandbox_clock=True)


@pytest.fixture
def sandbox_app(
    app: FastAPI, sandbox_settings: Settings, sandbox_sessions: SessionFactory
) -> FastAPI:
    """The application in the sandbox."""
    resources = app.state.resources
    app.state.resources = replace(resources, settings=sandbox_settings, sessions=sandbox_sessions)
    return app


@pytest.fixture
def sandbox_reconciler(
    sandbox_sessions: SessionFactory, store: SnapshotStore, sandbox_settings: Settings
) -> SnapshotReconciler:
    return SnapshotReconciler(sandbox_sessions, store, sandbox_settings)


@pytest_asyncio.fixture(loop_scope="session")
async def announcements(redis: Redis, blocking: Redis) -> AsyncIterator[PubSub]:
    """A subscription to the channels that a move is announced on."""
    async with blocking.pubsub() as subscription:
        await subscription.subscribe(CLOCK_CHANNEL, CRON_CHANNEL)
        for _ in range(2):
            assert await subscription.get_message(timeout=60)  # the confirmations
        yield subscription


async def move(http: Client, **body: object) -> JsonObject:
    answer = await http.post("/clock", json=body)
    assert answer.status_code == 200, answer.text
    moved: JsonObject = answer.json()
    return moved


def assert_is_about(shown: str, expected: datetime) -> None:
    assert abs(datetime.fromisoformat(shown) - expected) < TOLERANCE


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_clock_is_not_found_outside_the_sandbox(admin: Client, method: str) -> None:
    answer = await admin.request(method, "/clock", json={"advance_seconds": 1})

    assert answer.status_code == 404
    assert "SANDBOX_CLOCK" in answer.json()["detail"]


@pytest.mark.usefixtures("sandbox_app")
class TestMoves:
    async def test_clock_shows_real_time_until_it_is_moved(self, service: Client) -> None:
        shown = (await service.get("/clock")).json()

        assert shown["offset_seconds"] == 0
        assert_is_about(shown["now"], datetime.now(UTC))

    async def test_either_token_moves_it_and_steps_add_up(
        self, admin: Client, service: Client
    ) -> None:
        await move(admin, advance_seconds=DAY_SECONDS)
        moved = await move(service, advance_seconds=60)

        shown = (await admin.get("/clock")).json()
        assert moved["offset_seconds"] == shown["offset_seconds"] == DAY_SECONDS + 60
        for one in (moved, shown):
            assert_is_about(one["now"], datetime.now(UTC) + timedelta(days=1, minutes=1))

    async def test_concurrent_steps_add_up(self, admin: Client) -> None:
        await asyncio.gather(*(move(admin, advance_seconds=60) for _ in range(8)))

        assert (await admin.get("/clock")).json()["offset_seconds"] == 8 * 60

    async def test_move_to_a_time_shows_that_time_or_a_second_later(self, admin: Client) -> None:
        wanted = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)

        moved = await move(admin, now=wanted.isoformat())

        late = datetime.fromisoformat(moved["now"]) - wanted
        assert timedelta() <= late < timedelta(seconds=1)
        assert_is_about((await admin.get("/clock")).json()["now"], wanted)

    @pytest.mark.parametrize(
        ("body", "status", "detail"),
        [
            ({}, 400, "exactly one"),
            ({"advance_seconds": 1, "now": "2031-01-01T09:00Z"}, 400, "exactly one"),
            ({"advance_seconds": -1}, 409, "cannot go back"),
            ({"now": "2020-01-01T09:00Z"}, 409, "cannot go back"),
            ({"advance_seconds": 6 * 366 * DAY_SECONDS}, 400, "at most 1830 days at once"),
            ({"now": "9999-01-01T09:00Z"}, 400, "at most 1830 days at once"),
            ({"advance_seconds": 10**30}, 400, "at most 1830 days at once"),
            ({"now": "2031-01-01T09:00"}, 422, "timezone"),
            ({"advance_seconds": "60"}, 422, "number"),
        ],
    )
    async def test_impossible_move_is_refused_and_moves_nothing(
        self, admin: Client, body: JsonObject, status: int, detail: str
    ) -> None:
        answer = await admin.post("/clock", json=body)

        assert answer.status_code == status
        assert detail in answer.json()["detail"]
        assert (await admin.get("/clock")).json()["offset_seconds"] == 0

    async def test_clock_cannot_go_back_to_the_real_time(self, admin: Client) -> None:
        await move(admin, advance_seconds=DAY_SECONDS)

        answer = await admin.post("/clock", json={"now": datetime.now(UTC).isoformat()})

        assert answer.status_code == 409

    async def test_clock_stays_within_the_calendar(self, admin: Client, sql: Sql) -> None:
        nearly = int(clock.MAX_OFFSET.total_seconds()) - 60
        await sql(f"UPDATE clock_state SET offset_seconds = {nearly}")

        assert (await admin.post("/clock", json={"advance_seconds": 61})).status_code == 400
        await move(admin, advance_seconds=60)

    async def test_move_is_announced_before_the_response(
        self, admin: Client, redis: Redis, announcements: PubSub
    ) -> None:
        await move(admin, advance_seconds=60)

        assert await redis.get(CLOCK_KEY) == "60"
        received = [await announcements.get_message(timeout=60) for _ in range(2)]
        assert [one["channel"] for one in received if one] == [CLOCK_CHANNEL, CRON_CHANNEL]

    async def test_standing_still_announces_nothing(
        self, admin: Client, redis: Redis, announcements: PubSub
    ) -> None:
        await move(admin, advance_seconds=0)
        await redis.publish(CLOCK_CHANNEL, "after it")

        received = await announcements.get_message(timeout=60)
        assert received is not None
        assert received["data"] == "after it"
        assert await list_items(admin, "/audit") == []

    async def test_offset_in_redis_never_shrinks(self, admin: Client, redis: Redis) -> None:
        await redis.set(CLOCK_KEY, 3600)

        await move(admin, advance_seconds=60)

        assert await redis.get(CLOCK_KEY) == "3600"

    async def test_move_is_audited(self, service: Client, admin: Client) -> None:
        await move(service, advance_seconds=60)

        (entry,) = await list_items(admin, "/audit")
        assert (entry["action"], entry["caller"], entry["object_type"]) == (
            "move_clock",
            "service",
            "clock",
        )
        assert entry["after"] == {"offset_seconds": 60}

    async def test_move_succeeds_while_redis_is_unavailable(
        self, admin: Client, store: SnapshotStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail(*_: Any) -> int:
            raise RedisConnectionError("gone")

        monkeypatch.setattr(store, "raise_clock_offset", fail)

        assert (await move(admin, advance_seconds=60))["offset_seconds"] == 60

    async def test_calls_of_an_earlier_day_do_not_count_after_a_move(
        self, admin: Client, make: Make, sql: Sql
    ) -> None:
        """Noon is the same day in Berlin, where the user is by default."""
        user = await make("users")
        noon = datetime.now(UTC).replace(hour=12, minute=0, second=0) + timedelta(days=2)

        async def read_budget() -> tuple[str, str]:
            budget = (await admin.get(f"/users/{user['id']}/budget")).json()
            return budget["day"], budget["spent"]

        await move(admin, now=noon.isoformat())
        await spend(sql, user, noon)
        assert await read_budget() == (f"{noon:%Y-%m-%d}", "0.5")

        noon += timedelta(days=1)
        await move(admin, now=noon.isoformat())
        assert await read_budget() == (f"{noon:%Y-%m-%d}", "0")


@pytest.mark.usefixtures("sandbox_app")
@pytest.mark.parametrize(("month", "hours"), [(3, 20), (10, 22)])
async def test_daily_reminder_comes_once_after_a_night_in_which_clocks_change(
    admin: Client, make: Make, month: int, hours: int
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    last_of_month = datetime(datetime.now(UTC).year + 1, month, 31, 9, tzinfo=berlin)
    sunday = last_of_month - timedelta(days=(last_of_month.weekday() + 1) % 7)
    noon = sunday.replace(hour=12) - timedelta(days=1)
    await move(admin, now=noon.isoformat())
    user = await make("users")
    body = {"user_id": user["id"], "text": "Water", "cron_expression": "0 9 * * *"}
    assert (await admin.post("/cron-jobs", json=body)).status_code == 201

    early = await admin.post("/cron-jobs/claim")
    await move(admin, advance_seconds=hours * 3600)
    (run,) = (await admin.post("/cron-jobs/claim")).json()["runs"]

    assert early.json()["runs"] == []
    assert datetime.fromisoformat(run["scheduled_for"]) == sunday


async def spend(sql: Sql, user: JsonObject, at: datetime) -> None:
    await sql(
        "INSERT INTO usage (id, message_id, step, user_id, assistant_id, thread_id, model,"
        " provider, prompt_tokens, cached_tokens, completion_tokens, cost, seconds, created_at)"
        f" VALUES (gen_random_uuid(), 'tg:1:1', '0', '{user['id']}', '{UUID(int=1)}',"
        f" '{UUID(int=2)}', 'm', 'p', 1, 0, 1, 0.5, 1, '{at.isoformat()}')"
    )


class TestDatabaseTime:
    @pytest.mark.parametrize(("is_sandbox", "days"), [(True, 2), (False, 0)])
    async def test_only_the_sandbox_follows_the_offset(
        self, engine: AsyncEngine, sql: Sql, is_sandbox: bool, days: int
    ) -> None:
        await sql(f"UPDATE clock_state SET offset_seconds = {2 * DAY_SECONDS}")

        async with database.create_session_factory(engine, sandbox_clock=is_sandbox)() as session:
            now = await clock.get_now(session)

        assert abs(now - datetime.now(UTC) - timedelta(days=days)) < TOLERANCE

    @pytest.mark.parametrize("is_sandbox", [True, False])
    async def test_time_takes_one_query_which_names_the_table_only_in_the_sandbox(
        self, engine: AsyncEngine, is_sandbox: bool
    ) -> None:
        statements: list[str] = []

        def record(*args: Any) -> None:
            statements.append(args[2])

        async with database.create_session_factory(engine, sandbox_clock=is_sandbox)() as session:
            await session.connection()
            event.listen(engine.sync_engine, "before_cursor_execute", record)
            try:
                await clock.get_now(session)
            finally:
                event.remove(engine.sync_engine, "before_cursor_execute", record)

        (statement,) = statements
        assert ("clock_state" in statement) is is_sandbox


class TestReconciliation:
    async def test_lost_offset_is_written_again(
        self, sql: Sql, redis: Redis, sandbox_reconciler: SnapshotReconciler
    ) -> None:
        await sql("UPDATE clock_state SET offset_seconds = 60")

        await sandbox_reconciler.reconcile()

        assert await redis.get(CLOCK_KEY) == "60"

    async def test_restored_database_catches_up_with_the_services(
        self, sql: Sql, redis: Redis, sandbox_reconciler: SnapshotReconciler
    ) -> None:
        """They do not go back, so a reminder would otherwise come late by the difference."""
        await redis.set(CLOCK_KEY, 3600)

        await sandbox_reconciler.reconcile()

        assert await sql("SELECT offset_seconds FROM clock_state") == [(3600,)]

    async def test_move_during_the_reconciliation_is_kept(
        self, sql: Sql, sandbox_sessions: SessionFactory
    ) -> None:
        await sql("UPDATE clock_state SET offset_seconds = 7200")

        async with sandbox_sessions.begin() as session:
            await clock.raise_offset(session, 3600)

        assert await sql("SELECT offset_seconds FROM clock_state") == [(7200,)]

    async def test_clock_is_left_alone_outside_the_sandbox(
        self, sql: Sql, redis: Redis, reconciler: SnapshotReconciler
    ) -> None:
        await sql("UPDATE clock_state SET offset_seconds = 60")

        await reconciler.reconcile()

        assert await redis.get(CLOCK_KEY) is None
