"""The daily budget for a user's model calls, on a real Valkey."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import httpx2
import pytest
from pydantic import SecretStr

from assistant.src.services import budget as module
from assistant.src.services.budget import BudgetFactory, DailyBudget
from assistant.src.services.rest_service import RestServiceClient
from smart_kit.clock import Clock
from smart_kit.contracts.keys import budget_key
from smart_kit.contracts.users import UserSnapshot
from smart_kit.redis import Redis, await_result
from smart_kit.rest_client import RestClientSettings, ServiceClient
from smart_kit.rest_client.httpx2_transport import Httpx2Transport

BERLIN = ZoneInfo("Europe/Berlin")
HALF = Decimal("0.5")
"""The share of scheduled prompts."""

NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
ALICE = UserSnapshot.model_validate(
    {
        "id": "6f1c3a52-3f5b-4b35-8a4e-0b6d6a4f7a11",
        "telegram_id": 1,
        "first_name": "Alice",
        "role": "user",
        "status": "active",
        "is_invited": True,
        "language_code": "en",
        "language": None,
        "timezone": "Europe/Berlin",
        "assistant_id": None,
        "daily_budget": "1",
        "version": 1,
    }
)


class FrozenClock(Clock):
    """Returns the same time as long as a test takes."""

    def now(self, zone: ZoneInfo | None = None) -> datetime:
        return (NOON + self.offset).astimezone(zone or UTC)


class FakeBudgetApi:
    """Reports what was spent before the hash in Redis existed."""

    def __init__(self) -> None:
        self.spent = "0"
        self.status = 200
        self.delay_seconds = 0.0
        self.paths: list[str] = []

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.paths.append(request.url.path)
        await asyncio.sleep(self.delay_seconds)
        day = {"day": "2026-11-21", "timezone": "UTC", "budget": "1", "spent": self.spent}
        return httpx2.Response(self.status, json=day)


@pytest.fixture
def rest() -> FakeBudgetApi:
    return FakeBudgetApi()


@pytest.fixture
async def budgets(redis: Redis, rest: FakeBudgetApi) -> AsyncIterator[BudgetFactory]:
    settings = RestClientSettings(service_api_token=SecretStr("token-of-sixteen-letters"))
    transport = Httpx2Transport("http://rest", httpx2.MockTransport(rest))
    client = RestServiceClient(ServiceClient(settings, transport))
    yield BudgetFactory(redis, client, FrozenClock(), HALF)
    await client.close()


def to_dollars(amount: str) -> Decimal:
    return Decimal(amount)


def get_alice_budget(
    budgets: BudgetFactory, *, is_scheduled: bool = False, **changes: object
) -> DailyBudget:
    return budgets.for_user(ALICE.model_copy(update=changes), BERLIN, is_scheduled=is_scheduled)


async def read_total(redis: Redis) -> int:
    key = budget_key(ALICE.id, NOON.date())
    return int(await await_result(redis.hget(key, "total")) or 0)


async def test_reservation_beyond_the_limit_is_refused(budgets: BudgetFactory) -> None:
    budget = get_alice_budget(budgets)

    assert await budget.reserve("m1/1", to_dollars("0.6"))
    assert not await budget.reserve("m1/2", to_dollars("0.400001"))
    assert await budget.reserve("m1/2", to_dollars("0.4"))
    assert not await budget.reserve("m1/3", to_dollars("0.000001"))


async def test_settling_releases_an_unused_reservation(budgets: BudgetFactory) -> None:
    budget = get_alice_budget(budgets)
    await budget.reserve("m1/1", to_dollars("0.9"))
    assert not await budget.reserve("m2/1", to_dollars("0.2"))
    await budget.settle("m1/1", to_dollars("0"))

    assert await budget.reserve("m2/1", to_dollars("1"))


async def test_actual_cost_counts_even_beyond_the_limit(
    redis: Redis, budgets: BudgetFactory
) -> None:
    budget = get_alice_budget(budgets)
    await budget.reserve("m1/1", to_dollars("0.5"))
    await budget.settle("m1/1", to_dollars("1.5"))

    assert await read_total(redis) == 1_500_000
    assert not await budget.reserve("m2/1", to_dollars("0.000001"))


async def test_repeated_attempt_replaces_its_earlier_reservation(
    redis: Redis, budgets: BudgetFactory
) -> None:
    for _ in range(5):
        assert await get_alice_budget(budgets).reserve("m1/1", to_dollars("0.9"))
    assert await read_total(redis) == 900_000


async def test_concurrent_reservations_stay_within_the_limit(
    redis: Redis, budgets: BudgetFactory
) -> None:
    async def reserve_one(number: int) -> bool:
        return await get_alice_budget(budgets).reserve(f"m{number}/1", to_dollars("0.15"))

    fitted = await asyncio.gather(*map(reserve_one, range(40)))
    assert (fitted.count(True), await read_total(redis)) == (6, 900_000)


async def test_scheduled_prompts_may_use_half_of_the_budget(
    redis: Redis, budgets: BudgetFactory
) -> None:
    for number in (1, 2):  # a new attempt replaces its reservation
        budget = get_alice_budget(budgets, is_scheduled=True)
        assert await budget.reserve("run:1/1", to_dollars("0.5")), number
    assert not await budget.reserve("run:2/1", to_dollars("0.000001"))
    assert budget.is_share_used_up
    await budget.settle("run:1/1", to_dollars("0.4"))

    assert await budget.reserve("run:2/1", to_dollars("0.1"))
    assert await get_alice_budget(budgets).reserve("m1/1", to_dollars("0.5"))
    assert await read_total(redis) == 1_000_000


async def test_scheduled_prompts_stop_when_the_whole_budget_is_used_up(
    budgets: BudgetFactory,
) -> None:
    await get_alice_budget(budgets).settle("m1/1", to_dollars("0.9"))
    budget = get_alice_budget(budgets, is_scheduled=True)

    assert not await budget.reserve("run:1/1", to_dollars("0.2"))
    assert not budget.is_share_used_up
    assert await budget.reserve("run:1/1", to_dollars("0.1"))


async def test_refused_reservation_of_a_scheduled_prompt_costs_nothing(
    redis: Redis, budgets: BudgetFactory
) -> None:
    budget = get_alice_budget(budgets, is_scheduled=True)
    assert not await budget.reserve("run:1/1", to_dollars("0.6"))

    assert await read_total(redis) == 0
    assert await budget.reserve("run:2/1", to_dollars("0.5"))


async def test_first_paused_prompt_of_a_day_is_announced_in_each_attempt(
    budgets: BudgetFactory,
) -> None:
    budget = get_alice_budget(budgets, is_scheduled=True)

    assert [await budget.claim_pause_notice(run) for run in ("run:1", "run:2", "run:1")] == [
        True,
        False,
        True,
    ]


async def test_user_without_a_limit_causes_no_redis_call(
    redis: Redis, budgets: BudgetFactory, rest: FakeBudgetApi
) -> None:
    budget = get_alice_budget(budgets, daily_budget=None)
    await redis.config_resetstat()

    assert await budget.reserve("m1/1", to_dollars("1000000"))
    await budget.settle("m1/1", to_dollars("1000000"))
    assert not budget.is_low
    assert rest.paths == []
    assert set(await redis.info("commandstats")) <= {"cmdstat_config|resetstat", "cmdstat_info"}


async def test_free_model_is_allowed_with_an_empty_budget(budgets: BudgetFactory) -> None:
    budget = get_alice_budget(budgets, daily_budget=to_dollars("0"))

    assert not await budget.reserve("m1/1", to_dollars("0.000001"))
    assert await budget.reserve("m1/1", to_dollars("0"))
    await budget.settle("m1/1", to_dollars("0"))
    assert not budget.is_low


async def test_settling_zero_removes_the_reservation_of_a_crashed_attempt(
    redis: Redis, budgets: BudgetFactory
) -> None:
    assert await get_alice_budget(budgets).reserve("m1/1", to_dollars("0.9"))
    again = get_alice_budget(budgets)  # its model's price has been taken away meanwhile
    assert await again.reserve("m1/1", to_dollars("0"))
    await again.settle("m1/1", to_dollars("0"))

    assert await read_total(redis) == 0


async def test_settling_zero_without_a_reservation_stores_nothing(
    redis: Redis, budgets: BudgetFactory, rest: FakeBudgetApi
) -> None:
    await get_alice_budget(budgets).settle("m1/1", to_dollars("0"))
    assert (await await_result(redis.keys("budget:*")), rest.paths) == ([], [])


async def test_zero_budget_without_spending_causes_no_notice(
    budgets: BudgetFactory,
) -> None:
    budget = get_alice_budget(budgets, is_scheduled=True, daily_budget=to_dollars("0"))
    await budget.reserve("run:1/1", to_dollars("0"))
    await budget.settle("run:1/1", to_dollars("0"))
    assert not budget.is_low


async def test_costs_are_rounded_up_to_a_millionth(redis: Redis, budgets: BudgetFactory) -> None:
    budget = get_alice_budget(budgets)
    await budget.reserve("m1/1", to_dollars("0.0000001"))
    assert await read_total(redis) == 1


async def test_large_amounts_stay_exact(redis: Redis, budgets: BudgetFactory) -> None:
    budget = get_alice_budget(budgets, daily_budget=to_dollars("100000"))
    await budget.reserve("m1/1", to_dollars("99999.999999"))
    assert await read_total(redis) == 99_999_999_999
    assert await budget.reserve("m1/2", to_dollars("0.000001"))
    assert not await budget.reserve("m1/3", to_dollars("0.000001"))


async def test_only_the_answer_that_crosses_80_percent_has_the_notice(
    budgets: BudgetFactory,
) -> None:
    first, second = get_alice_budget(budgets), get_alice_budget(budgets)
    await first.settle("m1/1", to_dollars("0.799999"))
    assert not first.is_low
    await second.settle("m2/1", to_dollars("0.000001"))
    assert second.is_low

    third = get_alice_budget(budgets)
    await third.settle("m3/1", to_dollars("0.1"))
    await first.settle("m1/2", to_dollars("0.01"))
    assert (third.is_low, first.is_low) == (False, False)


async def test_scheduled_prompt_leaves_the_notice_to_the_next_answer(
    budgets: BudgetFactory,
) -> None:
    scheduled, next_one = get_alice_budget(budgets, is_scheduled=True), get_alice_budget(budgets)
    await scheduled.settle("run:1/1", to_dollars("0.9"))
    await next_one.settle("m1/1", to_dollars("0.000001"))
    assert (scheduled.is_low, next_one.is_low) == (False, True)


async def test_repeated_attempt_has_the_notice_again(budgets: BudgetFactory) -> None:
    for _ in range(2):
        budget = get_alice_budget(budgets)
        await budget.settle("tg:1:2/1", to_dollars("0.9"))
        assert budget.is_low


async def test_reservation_alone_causes_no_notice(budgets: BudgetFactory) -> None:
    budget = get_alice_budget(budgets)
    await budget.reserve("m1/1", to_dollars("0.95"))
    await budget.settle("m1/1", to_dollars("0.01"))
    assert not budget.is_low


async def test_unknown_day_starts_with_the_spending_from_rest_service(
    budgets: BudgetFactory, rest: FakeBudgetApi
) -> None:
    rest.spent = "0.7"
    budget = get_alice_budget(budgets)

    assert not await budget.reserve("m1/1", to_dollars("0.31"))
    assert await budget.reserve("m1/1", to_dollars("0.3"))
    assert rest.paths == [f"/api/users/{ALICE.id}/budget"], "asked once"


@pytest.mark.parametrize("status", [500, 404])
async def test_unknown_spending_counts_as_zero(
    budgets: BudgetFactory, rest: FakeBudgetApi, status: int
) -> None:
    rest.status = status
    budget = get_alice_budget(budgets)

    assert await budget.reserve("m1/1", to_dollars("1"))
    assert len(rest.paths) == 1


async def test_slow_rest_service_does_not_delay_a_reservation(
    budgets: BudgetFactory, rest: FakeBudgetApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.05)
    rest.delay_seconds, rest.spent = 30, "1"

    assert await get_alice_budget(budgets).reserve("m1/1", to_dollars("1")), (
        "nobody has heard of it"
    )


async def test_each_local_day_has_its_own_expiring_key(
    redis: Redis, budgets: BudgetFactory
) -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Niue"):
        budget = budgets.for_user(ALICE, ZoneInfo(zone), is_scheduled=False)
        assert await budget.reserve("m1/1", to_dollars("1")), "25 hours lie between them"
    days = await await_result(redis.keys("budget:*"))

    assert len(days) == 2
    for key in days:
        assert 86_400 < await await_result(redis.ttl(key)) <= timedelta(days=2).total_seconds()


async def test_the_budget_resets_the_next_day(
    redis: Redis, rest: FakeBudgetApi, budgets: BudgetFactory
) -> None:
    assert await get_alice_budget(budgets).reserve("m1/1", to_dollars("1"))
    settings = RestClientSettings(service_api_token=SecretStr("token-of-sixteen-letters"))
    transport = Httpx2Transport("http://rest", httpx2.MockTransport(rest))
    client = RestServiceClient(ServiceClient(settings, transport))
    tomorrow = BudgetFactory(redis, client, FrozenClock(timedelta(days=1)), HALF)

    assert await get_alice_budget(tomorrow).reserve("m2/1", to_dollars("1"))
    await client.close()
