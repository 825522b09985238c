"""Runs the loops of which a bot may have only one, while this process holds the leader lease."""

import asyncio
import contextlib

import structlog
from redis.exceptions import RedisError

from smart_kit.aio import sleep_until_stopped
from smart_kit.service import Loop

from .lease import LeaderLease

CLAIMS_PER_LEASE = 4

log = structlog.stdlib.get_logger()


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
            if await self._claim():
                log.info("leader lease acquired")
                await self._run_loops(stop)
                is_standby_logged = False
                continue
            if self._lease.is_standby and not is_standby_logged:
                log.info("standby: another process holds the leader lease")
                is_standby_logged = True
            await sleep_until_stopped(stop, self._claim_interval_seconds)

    async def _claim(self) -> bool:
        try:
            return await self._lease.claim()
        except RedisError:  # reported by `/health`
            return False

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
