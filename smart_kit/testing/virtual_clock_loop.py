"""An event loop with a virtual clock, which jumps to the next timer when the loop is idle.

Everything that waits by the loop's clock (time-outs, back-off, deadlines) runs as in production,
only sooner; sockets and servers stay real. The clock stands still while the loop works, however
slow the machine is, and while bytes are in transit between this process, itself and its Redis. As
the kernel may deliver these late, an echo is sent behind them before each jump. For functions in
other threads the loop waits in real time.
"""

import asyncio
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

from smart_kit.settings import RedisSettings
from smart_kit.testing.ports import LOCALHOST

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

ROUND_TRIPS = 2
"""Two echoes. The first reaches Redis behind every command that was sent, the second leaves Redis
behind every response. For connections to this process itself, the second follows the kernel's
reactions, e.g. to a new connection."""
TICK_SECONDS = 1e-6
"""Virtual duration of one iteration of the loop. It lets busy-waiting code reach its moment, and
ends waits that are too short for a float to represent."""
ECHO_TIMEOUT_SECONDS = 60.0
"""Time limit for an echo; a missing echo fails the test."""


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """For asyncio.Runner, and for tests with the marker `clock("virtual")`.

    A test that uses Redis calls `track_redis`. A blocking read does not count as in transit: it
    ends by data, not by its time-out. FLUSHDB blocks too: Redis 8 empties the database in another
    thread and meanwhile answers other connections (https://github.com/redis/redis/pull/13167).
    FLUSHDB ASYNC, after which the database is empty as well, is answered at once.
    """

    def __init__(self) -> None:
        self.now = time.monotonic()
        self.executor_job_count = 0
        """Number of functions that run in other threads."""
        self._clock_selector = _VirtualClockSelector(self)
        super().__init__(self._clock_selector)

    def track_redis(self, redis: RedisSettings) -> None:
        self._clock_selector.add_redis(redis)

    def time(self) -> float:
        return self.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run a function in a thread. The clock stands still meanwhile."""
        future = super().run_in_executor(executor, func, *args)
        self.executor_job_count += 1
        future.add_done_callback(self._on_executor_done)
        return future

    async def shutdown_default_executor(self, *_: float | None) -> None:
        """Wait for the threads without the time limit of Python 3.12, which would be virtual."""
        self.executor_job_count += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self.executor_job_count -= 1

    def _on_executor_done(self, _: asyncio.Future[Any]) -> None:
        self.executor_job_count -= 1


class _VirtualClockSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualClockLoop) -> None:
        super().__init__()
        self._loop = loop
        self._echoes: list[_RedisEcho | _LoopbackEcho] = [_LoopbackEcho()]

    def add_redis(self, redis: RedisSettings) -> None:
        self._echoes.append(_RedisEcho(redis))

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._loop.now += TICK_SECONDS
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if timeout is None:
            return super().select(None)
        if self._loop.executor_job_count:
            started_at = time.monotonic()
            events = super().select(timeout)
            self._loop.now += time.monotonic() - started_at
            return events
        for echo in self._echoes * ROUND_TRIPS:
            echo.wait()
        events = super().select(0)
        if not events:
            self._loop.now += timeout
        return events

    def close(self) -> None:
        for echo in self._echoes:
            echo.close()
        super().close()


class _LoopbackEcho:
    """A connection to this process itself. Its interface delivers in order, so a byte that arrives
    here arrives behind everything else."""

    def __init__(self) -> None:
        with socket.create_server((LOCALHOST, 0)) as server:
            here = socket.create_connection(server.getsockname(), ECHO_TIMEOUT_SECONDS)
            self._sockets = here, server.accept()[0]
        for end in self._sockets:
            end.settimeout(ECHO_TIMEOUT_SECONDS)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def wait(self) -> None:
        here, there = self._sockets
        for sender, receiver in ((here, there), (there, here)):
            sender.sendall(b".")
            if receiver.recv(1) != b".":
                raise RuntimeError("the connection of the event loop to itself is broken")

    def close(self) -> None:
        for end in self._sockets:
            end.close()


class _RedisEcho:
    """A separate connection to Redis, which only sends PING."""

    def __init__(self, settings: RedisSettings) -> None:
        address = (settings.redis_host, settings.redis_port)
        self._socket = socket.create_connection(address, ECHO_TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")
        if settings.redis_password is not None:
            self._send_command(f"AUTH {settings.redis_password.get_secret_value()}", b"+OK\r\n")

    def wait(self) -> None:
        self._send_command("PING", b"+PONG\r\n")

    def close(self) -> None:
        self._reader.close()
        self._socket.close()

    def _send_command(self, command: str, expected: bytes) -> None:
        self._socket.sendall(f"{command}\r\n".encode())
        response = self._reader.readline()
        if response != expected:
            raise RuntimeError(f"Redis answered {response!r}")
