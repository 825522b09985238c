"""Leader election: of several processes, the holder of a lease in Redis serves the bot.

The lease expires after a few seconds by Redis's clock, and a little earlier by the holder's clock.
A process that was suspended or disconnected therefore sends nothing when it comes back. Two
processes can only be active at once if Redis has lost its data, until the next claim. Even then the
queues keep their order and drop duplicates.
"""

import asyncio
import contextlib
import time
from typing import Final
from uuid import uuid4

import structlog
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from smart_kit.aio import sleep_until_stopped
from smart_kit.contracts.keys import bot_lease_key
from smart_kit.redis import Redis
from smart_kit.service import Loop

from ..client.errors import LeaseNotHeld

LEASE_SECONDS = 5.0
CLAIMS_PER_LEASE = 4

_TRUSTED_FRACTION = 0.9
"""The share of the lease that the holder trusts: clocks run at slightly different speeds."""

_CLAIM: Final = """
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then
    return 0
end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 1
"""

_RELEASE: Final = """
if redis.call("GET", KEYS[1]) == ARGV[1] then
    redis.call("DEL", KEYS[1])
end
"""

log = structlog.stdlib.get_logger()


class LeaderLease:
    """One process's lease of one bot."""

    def __init__(self, redis: Redis, bot_id: int, seconds: float = LEASE_SECONDS) -> None:
        self.seconds = seconds
        self.is_standby = False
        """Whether another process held the lease at the last claim."""
        self._key = bot_lease_key(bot_id)
        self._holder = uuid4().hex
        self._claim_script = AsyncScript(redis, _CLAIM)
        self._release_script = AsyncScript(redis, _RELEASE)
        self._trusted_until = 0.0
        """Monotonic time until which this process surely holds the lease."""

    def health_note(self) -> str:
        """Return a note for `/health` if another process serves the bot."""
        return "stands by: another tg_bot serves this bot" if self.is_standby else ""

    def ensure_held(self) -> None:
        """Raise LeaseNotHeld unless this process surely holds the lease now."""
        if time.monotonic() >= self._trusted_until:
            raise LeaseNotHeld

    async def claim(self) -> bool:
        """Take or renew the lease; False if another process holds it. Raises RedisError."""
        requested_at = time.monotonic()
        is_held = await self._claim_script(
            keys=[self._key], args=[self._holder, int(self.seconds * 1000)]
        )
        self.is_standby = not is_held
        self._trusted_until = requested_at + _TRUSTED_FRACTION * self.seconds if is_held else 0.0
        return bool(is_held)

    async def release(self) -> None:
        """Give the lease up, so that another process can take it at once. Raises RedisError."""
        self._trusted_until = 0.0
        await self._release_script(keys=[self._key], args=[self._holder])


class LeaderRunner:
    """Runs the loops while it holds the lease, and stops them when another process takes it over.

    While Redis is unavailable the loops continue: their Redis commands wait, and LeaderLease
    refuses their calls to Telegram.
    """

    def __init__(self, lease: LeaderLease, *loops: Loop) -> None:
        self._lease = lease
        self._loops = loops
        self._claim_interval_seconds = lease.seconds / CLAIMS_PER_LEASE

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop`, waiting for the lease whenever another process holds it."""
        is_standby_logged = False
        while not stop.is_set():
            is_held = False
            with contextlib.suppress(RedisError):  # reported by `/health`
                is_held = await self._lease.claim()
            if is_held:
                log.info("leader lease acquired")
                await self._run_loops(stop)
                is_standby_logged = False
                continue
            if self._lease.is_standby and not is_standby_logged:
                log.info("standby: another process holds the leader lease")
                is_standby_logged = True
            await sleep_until_stopped(stop, self._claim_interval_seconds)

    async def _run_loops(self, stop: asyncio.Event) -> None:
        """Run the loops, and release the lease only after the last of them has ended."""
        loops_stop, ended = asyncio.Event(), asyncio.Event()
        loops = [asyncio.ensure_future(loop(loops_stop)) for loop in self._loops]
        renewal = asyncio.create_task(self._renew(ended))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({*loops, renewal, stopping}, return_when=asyncio.FIRST_COMPLETED)
            loops_stop.set()
            await asyncio.wait(loops)
        finally:
            loops_stop.set()
            ended.set()
            for task in (*loops, stopping):
                task.cancel()
            await asyncio.gather(*loops, renewal, stopping, return_exceptions=True)
        for task in (*loops, renewal):
            task.result()
        with contextlib.suppress(RedisError):
            await self._lease.release()

    async def _renew(self, ended: asyncio.Event) -> None:
        """Renew the lease until `ended`, or until another process holds it."""
        while True:
            await sleep_until_stopped(ended, self._claim_interval_seconds)
            if ended.is_set():
                return
            with contextlib.suppress(RedisError):
                if not await self._lease.claim():
                    log.warning("leader lease lost to another process")
                    return
