"""Model calls and their cost: by message, model, user and assistant."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from rest_service.app.background.archive_consumer import ArchiveConsumer
from rest_service.tests.api_helpers import (
    Client,
    JsonObject,
    Make,
    list_items,
    make_user_headers,
)
from rest_service.tests.turn_records import (
    EMPTY_FAILURE,
    MONDAY,
    REFUSED_FAILURE,
    add_records,
    make_model_step,
    make_turn_record,
)
from smart_kit.contracts.threads import StepRecord
from smart_kit.redis import Redis

ALICE, BOB = UUID(int=1), UUID(int=11)
SECRETARY, WRITER = UUID(int=2), UUID(int=3)


@pytest_asyncio.fixture(loop_scope="session")
async def recorded_week(archive_reader: ArchiveConsumer, redis: Redis) -> None:
    """Two users, two assistants, two models of two providers, two days."""
    tuesday = MONDAY + timedelta(days=1)
    tool = StepRecord(step="0.0", kind="tool", name="ask_writer", seconds=9.0)
    sub_assistant_step = make_model_step(
        "0.0.0", "0.5", name="sol", provider="second", assistant_id=WRITER
    )
    first = make_turn_record(
        "tg:1:1",
        steps=(
            make_model_step("0", "0.001"),
            tool,
            sub_assistant_step,
            make_model_step("1", "0.002"),
        ),
    )
    late = make_model_step("0", None, started_at=tuesday, seconds=7.0)
    second = make_turn_record("tg:1:2", user_id=BOB, assistant_id=SECRETARY, steps=(late,))
    await add_records(redis, first, second)
    await archive_reader.run_once(0.01)


async def list_totals(admin: Client, **params: Any) -> list[JsonObject]:
    return await list_items(admin, "/usage/totals", **params)


class TestCalls:
    async def test_each_model_call_is_recorded_with_tokens_and_cost(
        self, recorded_week: None, admin: Client
    ) -> None:
        newest, *_, oldest = await list_items(admin, "/usage")

        assert (newest["message_id"], newest["cost"], newest["seconds"]) == ("tg:1:2", None, 7.0)
        assert oldest["message_id"] == "tg:1:1"
        by_step = {
            item["step"]: item for item in await list_items(admin, "/usage", message_id="tg:1:1")
        }
        assert by_step.keys() == {"0", "0.0.0", "1"}, "a tool call is not a model call"
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

    async def test_huge_token_counts_do_not_lose_the_turn(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        many = make_model_step("0", "0.1", prompt_tokens=3_000_000_000, completion_tokens=2**40)
        await add_records(
            redis, make_turn_record("tg:1:9", steps=(many, make_model_step("1", "0.1")))
        )
        await archive_reader.run_once(0.01)

        turn = (await admin.get("/turns/tg:1:9")).json()
        assert (turn["prompt_tokens"], turn["completion_tokens"]) == (3_000_000_100, 2**40 + 10)
        (total,) = await list_totals(admin, message_id="tg:1:9")
        assert (total["prompt_tokens"], total["completion_tokens"]) == (3_000_000_100, 2**40 + 10)

    async def test_calls_are_filtered_by_each_field(
        self, recorded_week: None, admin: Client
    ) -> None:
        async def count_calls(**params: Any) -> int:
            return len(await list_items(admin, "/usage", **params))

        assert await count_calls(user_id=str(BOB)) == 1
        assert await count_calls(assistant_id=str(WRITER)) == 1
        assert await count_calls(model="sol") == await count_calls(provider="second") == 1
        assert await count_calls(model="luna", user_id=str(ALICE)) == 2
        tuesday = "2025-11-25T00:00:00Z"
        assert (await count_calls(from_at=tuesday), await count_calls(until_at=tuesday)) == (1, 3)

    async def test_repeated_turn_adds_only_new_calls(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        first = make_turn_record(steps=(make_model_step("0", "0.1"),))
        again = make_turn_record(
            steps=(make_model_step("0", "0.1"), make_model_step("1", "0.2")), status="failed"
        )
        for record in (first, first, again):
            await add_records(redis, record)
            await archive_reader.run_once(0.01)

        assert {item["step"]: item["cost"] for item in await list_items(admin, "/usage")} == {
            "0": "0.1",
            "1": "0.2",
        }

    async def test_paid_failed_attempt_is_recorded_for_its_model(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        record = make_turn_record(
            steps=(
                make_model_step(
                    "0",
                    "0",
                    name="sol",
                    provider="second",
                    failures=(EMPTY_FAILURE, REFUSED_FAILURE, EMPTY_FAILURE),
                ),
                make_model_step(
                    "0.0.0", "0", is_answered=False, failures=(EMPTY_FAILURE,), assistant_id=WRITER
                ),
            )
        )
        for _ in range(2):
            await add_records(redis, record)
            await archive_reader.run_once(0.01)

        by_step = {item["step"]: item for item in await list_items(admin, "/usage")}
        assert by_step.keys() == {"0", "0~0", "0~2", "0.0.0~0"}
        assert by_step["0"]["model"] == "sol"
        vain = by_step["0.0.0~0"]
        assert vain["assistant_id"] == str(WRITER)
        assert vain["created_at"] == "2025-11-24T12:00:00Z"
        assert (vain["model"], vain["provider"], vain["cost"]) == ("luna", "first", "0.01")
        assert (vain["prompt_tokens"], vain["completion_tokens"]) == (1_000, 5)
        assert (vain["cached_tokens"], vain["seconds"]) == (7, 1.5)

    async def test_calls_count_for_the_day_of_the_sandboxes_clock(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        """So that a budget is there again after the clock was moved to another day."""
        record = make_turn_record(steps=(make_model_step("0", "0.1"),))
        await add_records(redis, record.model_copy(update={"clock_offset": timedelta(days=1)}))
        await archive_reader.run_once(0.01)

        (call,) = await list_items(admin, "/usage")
        assert call["created_at"] == "2025-11-25T12:00:00Z"

    async def test_usage_of_deleted_thread_stays_counted(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client, make: Make
    ) -> None:
        user, poet = await make("users"), await make("assistants")
        ends: dict[str, Any] = {"user_id": UUID(user["id"]), "assistant_id": UUID(poet["id"])}
        await add_records(
            redis, make_turn_record("tg:1:1", **ends, steps=(make_model_step("0", "0.1"),))
        )
        await archive_reader.run_once(0.01)
        (thread,) = await list_items(admin, "/threads")
        await admin.delete(f"/threads/{thread['id']}")
        await add_records(
            redis, make_turn_record("tg:1:2", **ends, steps=(make_model_step("0", "0.1"),))
        )
        await archive_reader.run_once(0.01)

        assert await list_items(admin, "/turns") == await list_items(admin, "/messages") == []
        assert len(await list_items(admin, "/usage")) == 2

    async def test_users_see_only_their_own_usage(
        self, archive_reader: ArchiveConsumer, redis: Redis, service: Client, make: Make
    ) -> None:
        alice, bob = await make("users"), await make("users")
        await add_records(
            redis, make_turn_record(user_id=UUID(alice["id"]), steps=(make_model_step("0", "0.1"),))
        )
        await archive_reader.run_once(0.01)

        for path in ("/usage", "/usage/totals?by=user"):
            assert (await service.get(path, headers=make_user_headers(alice))).json()["total"] == 1
            assert (await service.get(path, headers=make_user_headers(bob))).json()["items"] == []
        path = f"/users/{alice['id']}/budget"
        assert (await service.get(path, headers=make_user_headers(alice))).json()["spent"] == "0"
        assert (await service.get(path, headers=make_user_headers(bob))).status_code == 404


class TestTotals:
    async def test_totals_without_group_are_one_row(
        self, recorded_week: None, admin: Client
    ) -> None:
        (total,) = await list_totals(admin)

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

    async def test_empty_total_is_zero_and_empty_groups_are_none(self, admin: Client) -> None:
        (total,) = await list_totals(admin)
        assert (total["calls"], total["cost"], total["slowest"]) == (0, "0", 0)
        assert await list_totals(admin, by="model") == []

    async def test_failed_attempts_count_for_their_own_model(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        step = make_model_step(
            "0",
            "0",
            name="sol",
            provider="second",
            failures=(EMPTY_FAILURE, REFUSED_FAILURE, EMPTY_FAILURE),
        )
        await add_records(redis, make_turn_record(steps=(step,)))
        await archive_reader.run_once(0.01)

        found = await list_totals(admin, by="model,provider")
        assert [
            (item["model"], item["provider"], item["calls"], item["cost"]) for item in found
        ] == [
            ("luna", "first", 2, "0.02"),
            ("sol", "second", 1, "0"),
        ]
        assert [item["prompt_tokens"] for item in found] == [2_000, 100]

    async def test_day_totals_are_ordered_newest_then_most_expensive(
        self, recorded_week: None, admin: Client
    ) -> None:
        found = await list_totals(admin, by="day,model")

        assert [(item["day"], item["model"], item["calls"], item["cost"]) for item in found] == [
            ("2025-11-25", "luna", 1, "0"),
            ("2025-11-24", "sol", 1, "0.5"),
            ("2025-11-24", "luna", 2, "0.003"),
        ]
        assert {item["user_id"] for item in found} == {None}

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
    async def test_totals_are_grouped_by_each_field(
        self, recorded_week: None, admin: Client, by: str, column: str, calls: dict[str, int]
    ) -> None:
        assert {item[column]: item["calls"] for item in await list_totals(admin, by=by)} == calls

    async def test_totals_are_filtered_and_paged(self, recorded_week: None, admin: Client) -> None:
        assert [item["cost"] for item in await list_totals(admin, model="sol")] == ["0.5"]
        page = (await admin.get("/usage/totals?by=model&limit=1&offset=1")).json()
        assert (page["total"], [item["model"] for item in page["items"]]) == (2, ["luna"])

    @pytest.mark.parametrize("by", ["hour", "day,", "day;model", "day, model"])
    async def test_unknown_group_is_refused(self, admin: Client, by: str) -> None:
        response = await admin.get("/usage/totals", params={"by": by})

        assert response.status_code == 422
        assert "day, user, assistant, model, provider" in response.json()["detail"]
