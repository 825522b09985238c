import asyncio

import pytest
from prometheus_client import REGISTRY

from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.services.rate_limiter import TelegramRateLimiter

pytestmark = pytest.mark.clock("virtual")


@pytest.fixture
def make_rate_limiter(settings: TgBotSettings):  # type: ignore[no-untyped-def] # a factory
    def paced(overall: float = 0, per_chat: float = 0, per_group: float = 0) -> TelegramRateLimiter:
        rates = {"overall": overall, "per_chat": per_chat, "per_group": per_group}
        changes = {f"telegram_rate_{name}": rate for name, rate in rates.items()}
        return TelegramRateLimiter(settings.model_copy(update=changes))

    return paced


async def measure_seconds(rate_limiter: TelegramRateLimiter, *chats: int) -> float:
    """Return the seconds until a message to each chat may be sent."""
    clock = asyncio.get_running_loop().time
    started = clock()
    await asyncio.gather(*(rate_limiter.acquire(chat_id) for chat_id in chats))
    return clock() - started


async def test_chat_allows_a_burst_of_three(make_rate_limiter) -> None:
    rate_limiter = make_rate_limiter(per_chat=10)
    assert await measure_seconds(rate_limiter, 1, 1, 1) < 0.05
    assert 0.15 < await measure_seconds(rate_limiter, 1, 1) < 0.4


async def test_chats_do_not_wait_for_each_other(make_rate_limiter) -> None:
    rate_limiter = make_rate_limiter(per_chat=1)
    await measure_seconds(rate_limiter, 1, 1, 1)
    assert await measure_seconds(rate_limiter, *range(2, 50)) < 0.1


async def test_overall_rate_is_limited(make_rate_limiter) -> None:
    rate_limiter = make_rate_limiter(overall=20)
    assert await measure_seconds(rate_limiter, *range(21)) >= 0.95, (
        "no second holds more than its limit"
    )


async def test_groups_have_their_own_limit(make_rate_limiter) -> None:
    rate_limiter = make_rate_limiter(per_chat=1000, per_group=4)
    assert await measure_seconds(rate_limiter, -5, -5) < 0.1
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await rate_limiter.acquire(-5)


@pytest.mark.parametrize("most", [1, 2, 8, 20])
async def test_group_limit_holds_in_every_minute(
    make_rate_limiter, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    minute = 1.0
    monkeypatch.setattr("tg_bot.src.services.rate_limiter.GROUP_SECONDS", minute)
    rate_limiter, sent = make_rate_limiter(per_group=most), []
    for _ in range(most + 3):
        await rate_limiter.acquire(-5)
        sent.append(asyncio.get_running_loop().time())
    for first, last in zip(sent, sent[most:], strict=False):
        assert last - first >= 0.95 * minute


async def test_waiting_time_is_measured_per_limit(make_rate_limiter) -> None:
    def waits(limit: str) -> float:
        return (
            REGISTRY.get_sample_value("tg_bot_rate_limit_wait_seconds_count", {"limit": limit})
            or 0.0
        )

    before = waits("chat")
    await measure_seconds(make_rate_limiter(per_chat=50), *[1] * 5)
    assert waits("chat") == before + 2


async def test_rate_below_one_per_second_is_respected(make_rate_limiter) -> None:
    rate_limiter = make_rate_limiter(overall=0.5)
    assert await measure_seconds(rate_limiter, 1) < 0.1
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await rate_limiter.acquire(2)


async def test_zero_means_no_limit(make_rate_limiter) -> None:
    assert await measure_seconds(make_rate_limiter(), *[1] * 500, *[-1] * 500) < 0.5


async def test_idle_limiters_are_evicted(make_rate_limiter) -> None:
    rate_limiter = make_rate_limiter(per_chat=1000)
    for chat_id in range(5000):
        await rate_limiter.acquire(chat_id)
        await asyncio.sleep(0.001)
    assert len(rate_limiter._chats) < 1000
