"""Waiting and cancellation in asyncio."""

import asyncio


async def sleep_until_stopped(stop: asyncio.Event, seconds: float) -> None:
    """Sleep for so many seconds, or until the event is set."""
    # asyncio.wait_for can swallow a cancellation, see below. After asyncio.timeout, coverage misses
    # lines of the caller, because Python 3.11 resumes it without a trace event.
    waiter = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({waiter}, timeout=seconds)
    finally:
        waiter.cancel()


def is_cancelled() -> bool:
    """Return whether this task was cancelled, even if a Redis command swallowed it.

    In Python 3.11 `asyncio.wait_for`, with which redis-py sends blocking reads and subscriptions,
    returns normally when its own time-out coincides with a cancellation. Commands on the shared
    connection cannot. A loop of blocking reads without another end therefore has to check.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
