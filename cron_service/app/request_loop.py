"""A loop that runs one action, one run at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from smart_kit.aio import sleep_until_stopped


class Wait(NamedTuple):
    """The time until the next run, in seconds."""

    at_least: float
    """Requests of this time share the next run."""
    at_most: float
    """The next run comes after this time even without a request."""


class RequestLoop:
    """Runs an action at the start, when requested, and after the longest wait it returned.

    Requests during a run cause one more run.
    """

    def __init__(self, action: Callable[[], Awaitable[Wait]]) -> None:
        self._action = action
        self._requested = asyncio.Event()

    def request(self) -> None:
        """Run the action now, or once more after the current run."""
        self._requested.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop`. A running action is finished."""
        stopping = asyncio.create_task(self._request_on_stop(stop))
        try:
            while not stop.is_set():
                self._requested.clear()
                wait = await self._action()
                await sleep_until_stopped(stop, wait.at_least)
                await sleep_until_stopped(self._requested, max(0, wait.at_most - wait.at_least))
        finally:
            stopping.cancel()

    async def _request_on_stop(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.request()
