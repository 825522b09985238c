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

MOST_LOOKUPS = 4
"""At once for one server, the names that it redirects to included. One that hangs holds its thread
for longer than our patience."""

_Found = list[Any]
"""As socket.getaddrinfo says it."""


class OutsideNames:
    """Has threads of its own, for which neither other lookups nor the end of the process wait."""

    def __init__(self) -> None:
        self._shares = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(MOST_LOOKUPS))

    async def addresses(self, host: str, port: int, server: str) -> list[str]:
        """Of a name, on behalf of the server that was to be asked first. Raises OSError."""
        loop, share = asyncio.get_running_loop(), self._shares[server]

        def give_back(_: Future[_Found]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is over
                loop.call_soon_threadsafe(share.release)

        await share.acquire()
        looking = _in_a_thread(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
        looking.add_done_callback(give_back)
        return [str(address[0]) for *_, address in await asyncio.wrap_future(looking)]


def _in_a_thread(look_up: Callable[[], _Found]) -> Future[_Found]:
    """What comes of it, however long somebody waits; OSError where there is no thread for it."""
    outcome = Future[_Found]()
    outcome.set_running_or_notify_cancel()  # so that nobody can cancel it

    def run() -> None:
        try:
            found = look_up()
        except Exception as error:  # whatever it is, somebody may wait for it
            outcome.set_exception(error)
        else:
            outcome.set_result(found)

    try:
        Thread(target=run, name="outside-name", daemon=True).start()
    except RuntimeError:
        outcome.set_exception(OSError())
    return outcome
