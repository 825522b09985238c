"""What models were asked and what it cost: per message, model, user, assistant; budgets."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from fastapi import FastAPI

from rest_service.app.archive.reader import ArchiveReader
from rest_service.app.config import Settings
from rest_service.app.database import Sessions
from rest_service.app.services import usage
from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, acting_as, listed
from rest_service.tests.turn_records import STEPS, add_records, turn_record
from smart_kit.contracts.threads import ModelFailure, StepRecord
from smart_kit.redis import Redis

MONDAY = datetime(2025, 11, 24, 12, 0, tzinfo=UTC)
ALICE, BOB = UUID(int=1), UUID(int=11)
SECRETARY, WRITER = UUID(int=2), UUID(int=3)


EMPTY = ModelFailure(
    model="luna",
    provider="first",
    reason="The model said nothing",
    seconds=1.5,
    prompt_tokens=1_000,
    cached_tokens=7,
    completion_tokens=5,
    cost=Decimal("0.01"),
)
REFUSED = ModelFailure(model="luna", provider="first", reason="401: code invalid_api_key")


def answered(step: str, cost: str | None, **fields: Any) -> StepRecord:
    """A model's answer."""
    defaults: dict[str, Any] = {"name": "luna", "provider": "first", "started_at": MONDAY}
    counted = {"prompt_tokens": 100, "cached_tokens": 40, "completion_tokens": 10, "seconds": 2.0}
    return StepRecord(step=step, kind="model", cost=cost, **defaults | counted | fields)


@pytest_asyncio.fixture(loop_scope="session")
async def week(reader: ArchiveReader, redis: Redis) -> None:
    """Two people, two assistants, two models of two providers, two days."""
    tuesday = MONDAY + timedelta(days=1)
    tool = StepRecord(step="0.0", kind="tool", name="ask_writer", seconds=9.0)
    asked = answered("0.0.0", "0.5", name="sol", provider="second", assistant_id=WRITER)
    first = turn_record(
        "tg:1:1", steps=(answered("0", "0.001"), tool, asked, answered("1", "0.002"))
    )
    late = answered("0", None, started_at=tuesday, seconds=7.0)
    second = turn_record("tg:1:2", user_id=BOB, assistant_id=SECRETARY, steps=(late,))
    await add_records(redis, first, second)
    await reader.step(0.01)


async def totals(admin: Client, **params: Any) -> list[JsonObject]:
    return await listed(admin, "/usage/totals", **params)


class TestCalls:
    async def test_each_answer_of_a_model_is_one_with_its_tokens_cost_and_latency(
        self, week: None, admin: Client
    ) -> None:
        newest, *_, oldest = await listed(admin, "/usage")

        assert (newest["message_id"], newest["cost"], newest["seconds"]) == ("tg:1:2", None, 7.0)
        assert oldest["message_id"] == "tg:1:1"
        by_step = {one["step"]: one for one in await listed(admin, "/usage", message_id="tg:1:1")}
        assert by_step.keys() == {"0", "0.0.0", "1"}, "a tool is no answer of a model"
        assert (
            by_step["0"].items()
            >= {
                "user_id": str(ALICE),
                "assistant_id": str(SECRETARY),
                "model": "luna",
                "provider": "first",
                "prompt_tokens": 100,
                "cached_tokens": 40,
                "completion_tokens": 10,
                "cost": "0.001",
                "seconds": 2.0,
                "created_at": "2025-11-24T12:00:00Z",
            }.items()
        )
        assert by_step["0.0.0"]["assistant_id"] == str(WRITER)

    async def test_a_server_that_counts_beyond_all_bounds_costs_nobody_their_turn(
        self, reader: ArchiveReader, redis: Redis, admin: Client
    ) -> None:
        many = answered("0", "0.1", prompt_tokens=3_000_000_000, completion_tokens=2**40)
        await add_records(redis, turn_record("tg:1:9", steps=(many, answered("1", "0.1"))))
        await reader.step(0.01)

        told = (await admin.get("/turns/tg:1:9")).json()
        assert (told["prompt_tokens"], told["completion_tokens"]) == (3_000_000_100, 2**40 + 10)
        (total,) = await totals(admin, message_id="tg:1:9")
        assert (total["prompt_tokens"], total["completion_tokens"]) == (3_000_000_100, 2**40 + 10)

    async def test_they_are_found_by_each_of_their_sides(self, week: None, admin: Client) -> None:
        async def count(**params: Any) -> int:
            return len(await listed(admin, "/usage", **params))

        assert await count(user_id=str(BOB)) == 1
        assert await count(assistant_id=str(WRITER)) == 1
        assert await count(model="sol") == await count(provider="second") == 1
        assert await count(model="luna", user_id=str(ALICE)) == 2
        tuesday = "2025-11-25T00:00:00Z"
        assert (await count(from_at=tuesday), await count(until_at=tuesday)) == (1, 3)

    async def test_a_turn_that_comes_again_adds_only_what_is_new(
        self, reader: ArchiveReader, redis: Redis, admin: Client
    ) -> None:
        first = turn_record(steps=(answered("0", "0.1"),))
        again = turn_record(steps=(answered("0", "0.1"), answered("1", "0.2")), status="failed")
        for record in (first, first, again):
            await add_records(redis, record)
            await reader.step(0.01)

        assert {one["step"]: one["cost"] for one in await listed(admin, "/usage")} == {
            "0": "0.1",
            "1": "0.2",
        }

    async def test_an_attempt_in_vain_is_one_of_its_own_model_where_it_is_paid_for(
        self, reader: ArchiveReader, redis: Redis, admin: Client
    ) -> None:
        record = turn_record(
            steps=(
                answered("0", "0", name="sol", provider="second", failures=(EMPTY, REFUSED, EMPTY)),
                answered("0.0.0", "0", is_answered=False, failures=(EMPTY,), assistant_id=WRITER),
            )
        )
        for _ in range(2):
            await add_records(redis, record)
            await reader.step(0.01)

        by_step = {one["step"]: one for one in await listed(admin, "/usage")}
        assert by_step.keys() == {"0", "0~0", "0~2", "0.0.0~0"}
        assert by_step["0"]["model"] == "sol"
        vain = by_step["0.0.0~0"]
        assert vain["assistant_id"] == str(WRITER)
        assert vain["created_at"] == "2025-11-24T12:00:00Z"
        assert (vain["model"], vain["provider"], vain["cost"]) == ("luna", "first", "0.01")
        assert (vain["prompt_tokens"], vain["completion_tokens"]) == (1_000, 5)
        assert (vain["cached_tokens"], vain["seconds"]) == (7, 1.5)

    async def test_what_a_deleted_thread_has_cost_stays_counted_without_its_words(
        self, reader: ArchiveReader, redis: Redis, admin: Client, make: Make
    ) -> None:
        user, poet = await make("users"), await make("assistants")
        ends: dict[str, Any] = {"user_id": UUID(user["id"]), "assistant_id": UUID(poet["id"])}
        await add_records(redis, turn_record("tg:1:1", **ends, steps=(answered("0", "0.1"),)))
        await reader.step(0.01)
        (thread,) = await listed(admin, "/threads")
        await admin.delete(f"/threads/{thread['id']}")
        await add_records(redis, turn_record("tg:1:2", **ends, steps=(answered("0", "0.1"),)))
        await reader.step(0.01)

        assert await listed(admin, "/turns") == await listed(admin, "/messages") == []
        assert len(await listed(admin, "/usage")) == 2

    async def test_each_sees_their_own(
        self, reader: ArchiveReader, redis: Redis, service: Client, make: Make
    ) -> None:
        alice, bob = await make("users"), await make("users")
        await add_records(
            redis, turn_record(user_id=UUID(alice["id"]), steps=(answered("0", "0.1"),))
        )
        await reader.step(0.01)

        for path in ("/usage", "/usage/totals?by=user"):
            assert (await service.get(path, headers=acting_as(alice))).json()["total"] == 1
            assert (await service.get(path, headers=acting_as(bob))).json()["items"] == []
        path = f"/users/{alice['id']}/budget"
        assert (await service.get(path, headers=acting_as(alice))).json()["spent"] == "0"
        assert (await service.get(path, headers=acting_as(bob))).status_code == 404


class TestTotals:
    async def test_without_a_group_all_is_one(self, week: None, admin: Client) -> None:
        (total,) = await totals(admin)

        assert total == {
            "day": None,
            "user_id": None,
            "assistant_id": None,
            "model": None,
            "provider": None,
            "messages": 2,
            "calls": 4,
            "prompt_tokens": 400,
            "cached_tokens": 160,
            "completion_tokens": 40,
            "cost": "0.503",
            "unpriced_calls": 1,
            "seconds": 13.0,
            "slowest": 7.0,
        }

    async def test_of_nothing_it_is_zero_and_of_no_group_there_is_none(self, admin: Client) -> None:
        (total,) = await totals(admin)
        assert (total["calls"], total["cost"], total["slowest"]) == (0, "0", 0)
        assert await totals(admin, by="model") == []

    async def test_by_model_each_has_what_it_cost_itself_though_another_answered(
        self, reader: ArchiveReader, redis: Redis, admin: Client
    ) -> None:
        step = answered("0", "0", name="sol", provider="second", failures=(EMPTY, REFUSED, EMPTY))
        await add_records(redis, turn_record(steps=(step,)))
        await reader.step(0.01)

        found = await totals(admin, by="model,provider")
        assert [(one["model"], one["provider"], one["calls"], one["cost"]) for one in found] == [
            ("luna", "first", 2, "0.02"),
            ("sol", "second", 1, "0"),
        ]
        assert [one["prompt_tokens"] for one in found] == [2_000, 100]

    async def test_by_day_and_model_the_newest_comes_first_then_the_dearest(
        self, week: None, admin: Client
    ) -> None:
        found = await totals(admin, by="day,model")

        assert [(one["day"], one["model"], one["calls"], one["cost"]) for one in found] == [
            ("2025-11-25", "luna", 1, "0"),
            ("2025-11-24", "sol", 1, "0.5"),
            ("2025-11-24", "luna", 2, "0.003"),
        ]
        assert {one["user_id"] for one in found} == {None}

    @pytest.mark.parametrize(
        ("by", "column", "calls"),
        [
            ("user", "user_id", {str(ALICE): 3, str(BOB): 1}),
            ("assistant", "assistant_id", {str(SECRETARY): 3, str(WRITER): 1}),
            ("model", "model", {"luna": 3, "sol": 1}),
            ("provider", "provider", {"first": 3, "second": 1}),
            ("model,model", "model", {"luna": 3, "sol": 1}),
        ],
    )
    async def test_by_each_side(
        self, week: None, admin: Client, by: str, column: str, calls: dict[str, int]
    ) -> None:
        assert {one[column]: one["calls"] for one in await totals(admin, by=by)} == calls

    async def test_they_are_filtered_and_paged(self, week: None, admin: Client) -> None:
        assert [one["cost"] for one in await totals(admin, model="sol")] == ["0.5"]
        page = (await admin.get("/usage/totals?by=model&limit=1&offset=1")).json()
        assert (page["total"], [one["model"] for one in page["items"]]) == (2, ["luna"])

    @pytest.mark.parametrize("by", ["hour", "day,", "day;model", "day, model"])
    async def test_another_group_is_refused(self, admin: Client, by: str) -> None:
        assert (await admin.get("/usage/totals", params={"by": by})).status_code == 422


class TestBudget:
    async def read(self, admin: Client, user: JsonObject) -> JsonObject:
        answer = await admin.get(f"/users/{user['id']}/budget")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def test_what_was_spent_today_is_counted_in_the_persons_zone(
        self,
        reader: ArchiveReader,
        redis: Redis,
        admin: Client,
        make: Make,
        sessions: Sessions,
        settings: Settings,
    ) -> None:
        user = await make("users")
        await admin.patch(f"/users/{user['id']}", json={"timezone": "Pacific/Kiritimati"})
        midnight = datetime(2025, 11, 25, tzinfo=ZoneInfo("Pacific/Kiritimati"))
        times = (midnight - timedelta(seconds=1), midnight, midnight + timedelta(days=1))
        steps = [
            answered(str(n), cost, started_at=at)
            for n, (at, cost) in enumerate(zip(times, ("0.1", "0.02", "0.4"), strict=True))
        ]
        await add_records(redis, turn_record(user_id=UUID(user["id"]), steps=(*steps, STEPS[1])))
        await reader.step(0.01)

        async def at(moment: datetime) -> JsonObject:
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
            assert await at(moment.astimezone(UTC)) == same | {"day": day, "spent": spent}
        assert (await self.read(admin, user))["timezone"] == "Pacific/Kiritimati"

    async def test_it_is_the_persons_own_or_the_deployments(
        self, app: FastAPI, settings: Settings, admin: Client, make: Make
    ) -> None:
        user = await make("users")
        given = settings.model_copy(update={"daily_budget": "1.5"})
        app.state.resources = type(app.state.resources)(
            **vars(app.state.resources) | {"settings": given}
        )

        assert (await self.read(admin, user))["budget"] == "1.5"
        for own in ("0.25", "0"):
            await admin.patch(f"/users/{user['id']}", json={"daily_budget": own})
            assert (await self.read(admin, user))["budget"] == own
        assert (await self.read(admin, user))["timezone"] == "Europe/Berlin"


class TestTurnCost:
    @pytest.mark.parametrize(
        ("steps", "cost"),
        [
            ((answered("0", "0.1"), answered("1", "0.25"), STEPS[1]), "0.35"),
            ((answered("0", "0.1"), answered("1", None)), None),
            ((answered("0", "0.1", failures=(EMPTY, REFUSED)),), "0.11"),
            ((answered("0", "0", is_answered=False, failures=(EMPTY, EMPTY)),), "0.02"),
            ((answered("0", "0", failures=(EMPTY.model_copy(update={"cost": None}),)),), None),
            ((), "0"),
        ],
    )
    async def test_it_is_known_where_each_price_is(
        self,
        reader: ArchiveReader,
        redis: Redis,
        admin: Client,
        steps: tuple[StepRecord, ...],
        cost: str | None,
    ) -> None:
        await add_records(redis, turn_record(steps=steps))
        await reader.step(0.01)

        assert (await admin.get("/turns/tg:1:1")).json()["cost"] == cost

    async def test_its_tokens_are_those_of_attempts_in_vain_too(
        self, reader: ArchiveReader, redis: Redis, admin: Client
    ) -> None:
        await add_records(redis, turn_record(steps=(answered("0", "0.1", failures=(EMPTY,)),)))
        await reader.step(0.01)

        told = (await admin.get("/turns/tg:1:1")).json()
        assert (told["prompt_tokens"], told["completion_tokens"]) == (1_100, 15)

    async def test_a_turn_of_an_older_version_reads_well(
        self, reader: ArchiveReader, redis: Redis, admin: Client, sql: Sql
    ) -> None:
        await add_records(redis, turn_record())
        await reader.step(0.01)
        old = '[{"step": "0", "kind": "model", "name": "m", "prompt_tokens": 1}]'
        await sql(f"UPDATE turns SET cost = NULL, steps = '{old}'")

        (kept,) = await listed(admin, "/turns")

        assert kept["cost"] is None
        (step,) = kept["steps"]
        assert (step["provider"], step["failures"], step["started_at"]) == ("", [], None)
