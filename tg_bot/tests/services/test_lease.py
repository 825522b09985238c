"""Of several processes of one bot, only one calls Telegram."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from redis.exceptions import RedisError

from smart_kit.contracts.keys import bot_lease_key
from smart_kit.redis import Redis, connect
from smart_kit.testing.durable_valkey import DurableValkey
from smart_kit.testing.fake_telegram import FakeTelegram
from tg_bot.src.client.errors import LeaseNotHeld
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.services import lease as lease_module
from tg_bot.src.services.lease import LeaderLease, LeaderRunner
from tg_bot.tests import updates
from tg_bot.tests.conftest import RunBot
from tg_bot.tests.lease_times import LEASE_SECONDS
from tg_bot.tests.queue_contents import enqueue_to_telegram
from tg_bot.tests.queue_messages import BOT_ID, make_reply

STANDBY_NOTE = "stands by: another tg_bot serves this bot"


async def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for what happens by itself."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def wait_until_renewed(redis: Redis) -> None:
    async with asyncio.timeout(60):
        while await redis.pttl(bot_lease_key(BOT_ID)) <= 10_000:
            await asyncio.sleep(0.01)


@dataclass
class FakeClock:
    """A clock for the lease that tests can move."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr(lease_module, "time", clock)
    return clock


def is_blocked(lease: LeaderLease) -> bool:
    try:
        lease.ensure_held()
    except LeaseNotHeld:
        return True
    return False


class TestLeaderLease:
    async def test_only_one_process_holds_the_lease_until_its_release(self, redis: Redis) -> None:
        first, second = LeaderLease(redis, BOT_ID), LeaderLease(redis, BOT_ID)
        assert (await first.claim(), await second.claim(), await first.claim()) == (
            True,
            False,
            True,
        )
        assert (first.health_note(), second.health_note()) == ("", STANDBY_NOTE)
        await second.release()
        assert not await second.claim(), "only the holder can release it"

        await first.release()
        assert is_blocked(first)
        assert await second.claim()
        assert (is_blocked(second), second.health_note()) == (False, "")

    async def test_each_bot_has_its_own_lease(self, redis: Redis) -> None:
        assert await LeaderLease(redis, BOT_ID).claim()
        assert await LeaderLease(redis, BOT_ID + 1).claim()

    async def test_holder_stops_trusting_the_lease_before_it_expires_in_redis(
        self, redis: Redis, clock: FakeClock
    ) -> None:
        lease = LeaderLease(redis, BOT_ID, LEASE_SECONDS)
        assert is_blocked(lease), "not claimed yet"
        await lease.claim()
        clock.now += 0.9 * LEASE_SECONDS - 0.1
        assert not is_blocked(lease)
        clock.now += 0.2
        assert is_blocked(lease)
        assert 0 < await redis.pttl(bot_lease_key(BOT_ID)) <= 1000 * LEASE_SECONDS

    async def test_lease_time_counts_from_the_start_of_the_claim(
        self, redis: Redis, clock: FakeClock
    ) -> None:
        lease = LeaderLease(redis, BOT_ID, LEASE_SECONDS)
        claim = asyncio.create_task(lease.claim())
        await asyncio.sleep(0)
        clock.now += 0.9 * LEASE_SECONDS
        assert await claim
        assert is_blocked(lease)
        assert await lease.claim()
        assert not is_blocked(lease)

    async def test_lease_ends_without_redis_and_is_claimed_again_afterwards(
        self, durable_valkey: DurableValkey, clock: FakeClock
    ) -> None:
        async with connect(durable_valkey.settings) as redis:
            lease = LeaderLease(redis, BOT_ID, LEASE_SECONDS)
            await lease.claim()
            durable_valkey.kill()
            with pytest.raises(RedisError):
                await lease.claim()
            assert not is_blocked(lease)
            clock.now += LEASE_SECONDS
            assert is_blocked(lease)
            durable_valkey.start()
            assert await lease.claim()
            assert not is_blocked(lease)


class CountingLoop:
    """Loops that only count their runs."""

    def __init__(self) -> None:
        self.started = self.ended = 0

    async def run(self, stop: asyncio.Event) -> None:
        self.started += 1
        await stop.wait()
        self.ended += 1


@pytest.mark.usefixtures("fast_claims")
class TestLeaderRunner:
    async def test_loops_stop_on_takeover_and_restart_after_it(self, redis: Redis) -> None:
        work, stop = CountingLoop(), asyncio.Event()
        leader = LeaderRunner(LeaderLease(redis, BOT_ID, LEASE_SECONDS), work.run, work.run)
        running = asyncio.create_task(leader.run(stop))
        await wait_until(lambda: work.started == 2)

        await redis.set(bot_lease_key(BOT_ID), "another")
        await wait_until(lambda: work.ended == 2)
        assert await redis.get(bot_lease_key(BOT_ID)) == "another"
        await redis.pexpire(bot_lease_key(BOT_ID), 1)
        await wait_until(lambda: work.started == 4)
        stop.set()
        await running
        assert work.ended == 4
        assert not await redis.exists(bot_lease_key(BOT_ID)), "the next process need not wait"

    async def test_data_loss_in_redis_does_not_interrupt_the_loops(self, redis: Redis) -> None:
        work, stop = CountingLoop(), asyncio.Event()
        running = asyncio.create_task(
            LeaderRunner(LeaderLease(redis, BOT_ID, LEASE_SECONDS), work.run).run(stop)
        )
        await wait_until(lambda: work.started == 1)
        await redis.flushall()
        await wait_until_renewed(redis)
        assert (work.started, work.ended) == (1, 0)
        stop.set()
        await running

    async def test_stopping_loops_may_still_send_before_the_release(self, redis: Redis) -> None:
        """The lease is held until the last loop has ended, however long that takes."""
        lease = LeaderLease(redis, BOT_ID, LEASE_SECONDS)
        stop, may_end = asyncio.Event(), asyncio.Event()

        async def slow(_: asyncio.Event) -> None:
            await may_end.wait()

        running = asyncio.create_task(LeaderRunner(lease, slow).run(stop))
        await wait_until(lambda: not is_blocked(lease))
        stop.set()
        for _ in range(3):
            await redis.pexpire(bot_lease_key(BOT_ID), 10_000)
            await wait_until_renewed(redis)
            assert not is_blocked(lease)
        may_end.set()
        await running
        assert is_blocked(lease)

    @pytest.mark.parametrize("loops", [1, 2])
    async def test_failed_loop_ends_the_service(self, redis: Redis, loops: int) -> None:
        async def fail(_: asyncio.Event) -> None:
            raise ValueError("broken")

        leader = LeaderRunner(LeaderLease(redis, BOT_ID), fail, *[CountingLoop().run] * (loops - 1))
        with pytest.raises(ValueError, match="broken"):
            await leader.run(asyncio.Event())


class TestTwoBots:
    async def test_second_process_is_healthy_in_standby(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram, settings: TgBotSettings
    ) -> None:
        async with run_bot(_settings_through(settings, telegram, "first")) as first:
            await wait_until(lambda: first.health.report()["status"] == "ok")
            async with run_bot(_settings_through(settings, telegram, "second")) as second:
                await wait_until(lambda: STANDBY_NOTE in second.health.report()["note"])
                telegram.push(*(updates.message("/help", n) for n in range(1, 20)))
                await enqueue_to_telegram(
                    redis, *(make_reply("unasked", n, chat_id=n) for n in range(1, 20))
                )
                await telegram.wait_until(lambda: len(telegram.sent) == 38)

                assert second.health.report()["status"] == "ok"
                assert STANDBY_NOTE not in first.health.report()["note"]
        assert {call.path_prefix for call in telegram.calls} == {"first"}
        assert telegram.conflicts == 0

    async def test_standby_takes_over_when_the_first_process_dies(
        self, run_bot: RunBot, redis: Redis, telegram: FakeTelegram
    ) -> None:
        await redis.set(bot_lease_key(BOT_ID), "the first")
        telegram.push(updates.message("/help"))
        async with run_bot() as second:
            await wait_until(lambda: STANDBY_NOTE in second.health.report()["note"])
            assert telegram.calls == []
            await redis.pexpire(bot_lease_key(BOT_ID), 1)  # which the first no longer renews
            await telegram.wait_until(lambda: len(telegram.sent) == 1)
            await wait_until(lambda: second.health.report()["note"] == "")
            assert second.health.report()["status"] == "ok"


def _settings_through(settings: TgBotSettings, telegram: FakeTelegram, door: str) -> TgBotSettings:
    return settings.model_copy(update={"telegram_api_url": f"{telegram.url}/{door}"})
