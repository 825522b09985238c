"""Runs what only one process of a bot may run, as long as this process is the one."""

import asyncio
import contextlib

import structlog
from redis.exceptions import RedisError

from smart_kit.service import Loop

from .backoff import pause
from .lease import Lease

CLAIMS_PER_LEASE = 4

log = structlog.stdlib.get_logger()


class Tenure:
    """`loops` end together where another process takes over, and begin again after that one.

    While Redis cannot be asked they go on: what they do with Redis waits for it, and what they do
    with Telegram is refused by `Lease.check`.
    """

    def __init__(self, lease: Lease, *loops: Loop) -> None:
        self._lease = lease
        self._loops = loops
        self._pause_seconds = lease.seconds / CLAIMS_PER_LEASE

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`."""
        was_told = False
        while not stop.is_set():
            if await self._claim():
                log.info("this process serves the bot")
                await self._serve(stop)
                was_told = False
                continue
            if self._lease.stands_by and not was_told:
                log.info("another tg_bot serves this bot; this one stands by")
                was_told = True
            await pause(stop, self._pause_seconds)

    async def _claim(self) -> bool:
        try:
            return await self._lease.claim()
        except RedisError:  # `/health` says so
            return False

    async def _serve(self, stop: asyncio.Event) -> None:
        """The lease is kept until the last message is handed over, and given up only then."""
        over, ended = asyncio.Event(), asyncio.Event()
        loops = [asyncio.ensure_future(loop(over)) for loop in self._loops]
        keeper = asyncio.create_task(self._keep(ended))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({*loops, keeper, stopping}, return_when=asyncio.FIRST_COMPLETED)
            over.set()
            await asyncio.wait(loops)
        finally:
            over.set()
            ended.set()
            for task in (*loops, stopping):
                task.cancel()
            await asyncio.gather(*loops, keeper, stopping, return_exceptions=True)
        for task in (*loops, keeper):
            task.result()
        with contextlib.suppress(RedisError):
            await self._lease.release()

    async def _keep(self, ended: asyncio.Event) -> None:
        """Until another process has it, or until the end."""
        while True:
            await pause(ended, self._pause_seconds)
            if ended.is_set():
                return
            with contextlib.suppress(RedisError):
                if not await self._lease.claim():
                    log.warning("another tg_bot has taken over")
                    return
