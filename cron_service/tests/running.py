"""Runs loops in tests, and waits for what they do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

TIMEOUT_SECONDS = 60.0
"""Time limit of every wait."""


@asynccontextmanager
async def run_loops(
    *loops: Callable[[asyncio.Event], Awaitable[None]],
) -> AsyncIterator[asyncio.Event]:
    """Run loops until the end of the block, and fail if one fails."""
    stop = asyncio.Event()
    tasks = [asyncio.ensure_future(loop(stop)) for loop in loops]
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), TIMEOUT_SECONDS)


async def wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


async def drain_event_loop() -> None:
    """Let all pending callbacks run."""
    for _ in range(20):
        await asyncio.sleep(0)
