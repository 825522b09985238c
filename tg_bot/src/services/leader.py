"""Runs what only one process of a bot may run, as long as this process is the one."""

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
    """`loops` end together where another process takes over, and begin again after that one.

    While Redis cannot be asked they go on: what they do with Redis waits for it, and what they do
    with Telegram is refused by `Lease.check`.
    """

    def __init__(self, lease: LeaderLease, *loops: Loop) -> None:
        self._lease = lease
        self._loops = loops
        self._claim_interval_seconds = lease.seconds / CLAIMS_PER_LEASE

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`."""
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
        except RedisError:  # `/health` says so
            return False

    async def _run_loops(self, stop: asyncio.Event) -> None:
        """The lease is kept until the last message is handed over, and given up only then."""
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
        """Until another process has it, or until the end."""
        while True:
            await sleep_until_stopped(ended, self._claim_interval_seconds)
            if ended.is_set():
                return
            with contextlib.suppress(RedisError):
                if not await self._lease.claim():
                    log.warning("leader lease lost to another process")
                    return
