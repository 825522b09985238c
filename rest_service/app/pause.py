"""Waiting that a stop ends."""

import asyncio
import contextlib


async def sleep_until_stopped(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until the event is set."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
