"""Name resolution for SafeHttpClient. A name server that never answers delays no other lookup."""

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
"""Concurrent lookups per origin, including the names that it redirects to.

A lookup that hangs occupies its thread for longer than a request may take.
"""

_AddressInfo = list[Any]
"""The result of socket.getaddrinfo."""


class Resolver:
    """Resolves each name in a thread of its own, which delays neither other lookups nor the exit.

    The system's resolver is used because it knows hosts files, mDNS and container names.
    """

    def __init__(self) -> None:
        self._lookup_slots = defaultdict[str, asyncio.Semaphore](
            lambda: asyncio.Semaphore(MAX_CONCURRENT_LOOKUPS)
        )

    async def resolve(self, host: str, port: int, origin: str) -> list[str]:
        """Return a host's addresses or raise OSError. `origin`: the server of the first request."""
        loop, slot = asyncio.get_running_loop(), self._lookup_slots[origin]

        def release_slot(_: Future[_AddressInfo]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(slot.release)

        await slot.acquire()
        lookup = _run_in_thread(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
        lookup.add_done_callback(release_slot)
        return [str(address[0]) for *_, address in await asyncio.wrap_future(lookup)]


def _run_in_thread(look_up: Callable[[], _AddressInfo]) -> Future[_AddressInfo]:
    """Run the lookup in a daemon thread. The future raises OSError if no thread can start."""
    future = Future[_AddressInfo]()
    future.set_running_or_notify_cancel()  # a running future cannot be cancelled

    def run() -> None:
        try:
            found = look_up()
        except Exception as error:  # any error must reach the caller
            future.set_exception(error)
        else:
            future.set_result(found)

    try:
        Thread(target=run, name="outside-name", daemon=True).start()
    except RuntimeError:
        future.set_exception(OSError())
    return future
