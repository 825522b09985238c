"""Budgets of users, and the cost of turns."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI

from rest_service.app.background.archive_consumer import ArchiveConsumer
from rest_service.app.config import Settings
from rest_service.app.database import SessionFactory
from rest_service.app.services import usage
from rest_service.tests.api_helpers import (
    Client,
    JsonObject,
    Make,
    Sql,
    list_items,
)
from rest_service.tests.turn_records import (
    EMPTY_FAILURE,
    REFUSED_FAILURE,
    STEPS,
    add_records,
    make_model_step,
    make_turn_record,
)
from smart_kit.contracts.threads import StepRecord
from smart_kit.redis import Redis

ALICE, BOB = UUID(int=1), UUID(int=11)
SECRETARY, WRITER = UUID(int=2), UUID(int=3)


class TestBudget:
    async def read_budget(self, admin: Client, user: JsonObject) -> JsonObject:
        answer = await admin.get(f"/users/{user['id']}/budget")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def test_spending_is_counted_by_day_in_users_timezone(
        self,
        archive_reader: ArchiveConsumer,
        redis: Redis,
        admin: Client,
        make: Make,
        sessions: SessionFactory,
        settings: Settings,
    ) -> None:
        user = await make("users")
        await admin.patch(f"/users/{user['id']}", json={"timezone": "Pacific/Kiritimati"})
        midnight = datetime(2025, 11, 25, tzinfo=ZoneInfo("Pacific/Kiritimati"))
        times = (midnight - timedelta(seconds=1), midnight, midnight + timedelta(days=1))
        steps = [
            make_model_step(str(n), cost, started_at=at)
            for n, (at, cost) in enumerate(zip(times, ("0.1", "0.02", "0.4"), strict=True))
        ]
        await add_records(
            redis, make_turn_record(user_id=UUID(user["id"]), steps=(*steps, STEPS[1]))
        )
        await archive_reader.run_once(0.01)

        async def read_budget_at(moment: datetime) -> JsonObject:
            async with sessions() as session:
                read = await usage.read_budget(session, UUID(user["id"]), None, settings, moment)
            return read.model_dump(mode="json")

        same = {"timezone": "Pacific/Kiritimati", "budget": None}
        before, after = midnight - timedelta(microseconds=1), midnight + timedelta(hours=23)
        for moment, day, spent in (
            (before, "2025-11-24", "0.1"),
            (midnight, "2025-11-25", "0.02"),
            (after, "2025-11-25", "0.02"),
            (midnight + timedelta(days=1), "2025-11-26", "0.4"),
        ):
            assert await read_budget_at(moment.astimezone(UTC)) == same | {
                "day": day,
                "spent": spent,
            }
        assert (await self.read_budget(admin, user))["timezone"] == "Pacific/Kiritimati"

    async def test_user_budget_overrides_deployment_budget(
        self, app: FastAPI, settings: Settings, admin: Client, make: Make
    ) -> None:
        user = await make("users")
        with_budget = settings.model_copy(update={"daily_budget": "1.5"})
        app.state.resources = type(app.state.resources)(
            **vars(app.state.resources) | {"settings": with_budget}
        )

        assert (await self.read_budget(admin, user))["budget"] == "1.5"
        for own in ("0.25", "0"):
            await admin.patch(f"/users/{user['id']}", json={"daily_budget": own})
            assert (await self.read_budget(admin, user))["budget"] == own
        assert (await self.read_budget(admin, user))["timezone"] == "Europe/Berlin"


class TestTurnCost:
    @pytest.mark.parametrize(
        ("steps", "cost"),
        [
            ((make_model_step("0", "0.1"), make_model_step("1", "0.25"), STEPS[1]), "0.35"),
            ((make_model_step("0", "0.1"), make_model_step("1", None)), None),
            ((make_model_step("0", "0.1", failures=(EMPTY_FAILURE, REFUSED_FAILURE)),), "0.11"),
            (
                (
                    make_model_step(
                        "0", "0", is_answered=False, failures=(EMPTY_FAILURE, EMPTY_FAILURE)
                    ),
                ),
                "0.02",
            ),
            (
                (
                    make_model_step(
                        "0", "0", failures=(EMPTY_FAILURE.model_copy(update={"cost": None}),)
                    ),
                ),
                None,
            ),
            ((), "0"),
        ],
    )
    async def test_cost_is_known_if_every_price_is(
        self,
        archive_reader: ArchiveConsumer,
        redis: Redis,
        admin: Client,
        steps: tuple[StepRecord, ...],
        cost: str | None,
    ) -> None:
        await add_records(redis, make_turn_record(steps=steps))
        await archive_reader.run_once(0.01)

        assert (await admin.get("/turns/tg:1:1")).json()["cost"] == cost

    async def test_tokens_include_failed_attempts(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        await add_records(
            redis, make_turn_record(steps=(make_model_step("0", "0.1", failures=(EMPTY_FAILURE,)),))
        )
        await archive_reader.run_once(0.01)

        turn = (await admin.get("/turns/tg:1:1")).json()
        assert (turn["prompt_tokens"], turn["completion_tokens"]) == (1_100, 15)

    async def test_turn_of_an_older_version_is_readable(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client, sql: Sql
    ) -> None:
        await add_records(redis, make_turn_record())
        await archive_reader.run_once(0.01)
        old = '[{"step": "0", "kind": "model", "name": "m", "prompt_tokens": 1}]'
        await sql(f"UPDATE turns SET cost = NULL, steps = '{old}'")

        (turn,) = await list_items(admin, "/turns")

        assert turn["cost"] is None
        (step,) = turn["steps"]
        assert (step["provider"], step["failures"], step["started_at"]) == ("", [], None)
