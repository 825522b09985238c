"""Looks names up for requests that leave: a name server that never answers costs nobody else."""

import asyncio
import contextlib
import socket
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Thread
from typing import Any

MAX_CONCURRENT_LOOKUPS = 4
"""At once for one server, the names that it redirects to included. One that hangs holds its thread
for longer than our patience."""

_AddressInfo = list[Any]
"""As socket.getaddrinfo says it."""


class Resolver:
    """Has threads of its own, for which neither other lookups nor the end of the process wait."""

    def __init__(self) -> None:
        self._lookup_slots = defaultdict[str, asyncio.Semaphore](
            lambda: asyncio.Semaphore(MAX_CONCURRENT_LOOKUPS)
        )

    async def resolve(self, host: str, port: int, origin: str) -> list[str]:
        """Of a name, on behalf of the server that was to be asked first. Raises OSError."""
        loop, slot = asyncio.get_running_loop(), self._lookup_slots[origin]

        def release_slot(_: Future[_AddressInfo]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is over
                loop.call_soon_threadsafe(slot.release)

        await slot.acquire()
        lookup = _run_in_thread(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
        lookup.add_done_callback(release_slot)
        return [str(address[0]) for *_, address in await asyncio.wrap_future(lookup)]


def _run_in_thread(look_up: Callable[[], _AddressInfo]) -> Future[_AddressInfo]:
    """What comes of it, however long somebody waits; OSError where there is no thread for it."""
    future = Future[_AddressInfo]()
    future.set_running_or_notify_cancel()  # so that nobody can cancel it

    def run() -> None:
        try:
            found = look_up()
        except Exception as error:  # whatever it is, somebody may wait for it
            future.set_exception(error)
        else:
            future.set_result(found)

    try:
        Thread(target=run, name="outside-name", daemon=True).start()
    except RuntimeError:
        future.set_exception(OSError())
    return future
