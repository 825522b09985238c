"""One connection to Redis that all tasks of a process share.

Commands that tasks issue in the same iteration of the event loop leave in one write, and Redis
answers in order. A command therefore needs no task, lock or timer of its own. redis-py's Connection
does the handshake, the protocol and the sockets.
"""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.connection import HiredisRespSerializer
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

Command = Sequence[Any]
"""A command's name and its arguments, e.g. ("GET", "key")."""

_pack = HiredisRespSerializer().pack


class _Request:
    """Commands that are written together, and their replies."""

    __slots__ = ("chunks", "future", "missing", "replies", "sent_at")

    def __init__(
        self, chunks: list[bytes], count: int, future: asyncio.Future[list[Any]], sent_at: float
    ) -> None:
        self.chunks = chunks
        self.missing = count
        self.future = future
        self.sent_at = sent_at
        self.replies: list[Any] = []


class _Link:
    """An open connection. It ends with its first error, which all waiting callers get."""

    def __init__(self, connection: AbstractConnection, reply_timeout: float) -> None:
        self.error: Exception | None = None
        self._connection = connection
        self._reply_timeout = reply_timeout
        self._loop = asyncio.get_running_loop()
        self._unsent: list[_Request] = []
        self._sent: deque[_Request] = deque()
        self._has_unsent = asyncio.Event()
        self._replied_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._writing = asyncio.create_task(self._write())
        self._reading = asyncio.create_task(self._read())

    def send(self, chunks: list[bytes], count: int) -> asyncio.Future[list[Any]]:
        """Issue packed commands. The result is a reply for each; one may be a ResponseError.

        Redis executes a command whose caller was cancelled, unless it was not written yet.
        """
        if self.error is not None:
            raise _copy_error(self.error)
        now = self._loop.time()
        request = _Request(chunks, count, self._loop.create_future(), now)
        self._unsent.append(request)
        self._has_unsent.set()
        if self._timer is None:
            self._timer = self._loop.call_at(now + self._reply_timeout, self._check_timeout)
        return request.future

    async def close(self) -> None:
        """Close the connection after the replies to all commands have arrived."""
        waiting = [request.future for request in (*self._sent, *self._unsent)]
        if waiting:
            await asyncio.wait(waiting)
        self._fail(RedisConnectionError("The connection was closed."))
        await asyncio.wait({self._reading, self._writing})

    async def _write(self) -> None:
        try:
            while True:
                await self._has_unsent.wait()
                self._has_unsent.clear()
                requests = [request for request in self._unsent if not request.future.cancelled()]
                self._unsent.clear()
                self._sent.extend(requests)
                chunks = [chunk for request in requests for chunk in request.chunks]
                if chunks:
                    await self._connection.send_packed_command(chunks, check_health=False)
        except Exception as error:
            self._fail(error)

    async def _read(self) -> None:
        try:
            while True:
                try:
                    reply = await self._connection.read_response(
                        timeout=math.inf, disconnect_on_error=False
                    )
                except ResponseError as error:
                    reply = error
                except UnicodeDecodeError as error:  # the parser has read the whole reply
                    reply = ResponseError(f"The reply is not UTF-8: {error}")
                self._accept_reply(reply)
        except Exception as error:
            self._fail(error)
        finally:  # also when the event loop is closed, which cancels this task
            self._fail(RedisConnectionError("The connection was closed."))
            await self._connection.disconnect(nowait=True)

    def _accept_reply(self, reply: Any) -> None:
        if not self._sent:
            raise RedisConnectionError("Redis sent a reply that belongs to no command.")
        request = self._sent[0]
        request.replies.append(reply)
        request.missing -= 1
        if request.missing:
            return
        self._sent.popleft()
        self._replied_at = self._loop.time()
        if not request.future.done():  # its caller was cancelled
            request.future.set_result(request.replies)

    def _check_timeout(self) -> None:
        """Fail if Redis owes a reply and sent none for too long.

        One timer serves all commands. Replies to earlier commands restart the time-out, because a
        command behind a large reply has to wait for it.
        """
        self._timer = None
        oldest = next(iter(self._sent), None) or next(iter(self._unsent), None)
        if oldest is None:
            return
        due_at = max(oldest.sent_at, self._replied_at) + self._reply_timeout
        if self._loop.time() < due_at:
            self._timer = self._loop.call_at(due_at, self._check_timeout)
        else:
            self._fail(RedisTimeoutError(f"Redis sent no reply for {self._reply_timeout} s."))

    def _fail(self, error: Exception) -> None:
        if self.error is not None:
            return
        if not isinstance(error, RedisConnectionError | RedisTimeoutError):  # e.g. InvalidResponse
            error = RedisConnectionError(f"{type(error).__name__}: {error}")
        self.error = error
        if self._timer is not None:
            self._timer.cancel()
        for request in (*self._sent, *self._unsent):
            if not request.future.done():
                request.future.set_exception(_copy_error(error))
        self._sent.clear()
        self._unsent.clear()
        self._writing.cancel()
        self._reading.cancel()


class SharedConnection:
    """Opens the connection at the first command and again after it was lost.

    Commands are then repeated, so Redis may execute one twice whose reply was lost.
    """

    def __init__(
        self,
        make_connection: Callable[[], AbstractConnection],
        *,
        reply_timeout: float,
        connect_timeout: float,
        retry: Retry,
    ) -> None:
        self._make_connection = make_connection
        self._reply_timeout = reply_timeout
        self._connect_timeout = connect_timeout
        self._retry = retry
        self._link: _Link | None = None
        self._opening: asyncio.Task[_Link] | None = None

    async def run(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands without others between them, and return their replies in order.

        A reply may be a ResponseError. Raises RedisConnectionError or RedisTimeoutError if Redis
        stays unavailable.
        """
        chunks = [chunk for command in commands for chunk in _pack(*command)]
        count = len(commands)
        return await self._retry.call_with_retry(
            lambda: self._attempt(chunks, count), _ignore_failure
        )

    async def _attempt(self, chunks: list[bytes], count: int) -> list[Any]:
        link = self._link
        if link is None or link.error is not None:
            link = await self._open_once()
        return await link.send(chunks, count)

    async def aclose(self) -> None:
        """Wait for the replies to all commands, then disconnect. A later command reconnects."""
        if self._opening is not None:
            with contextlib.suppress(RedisConnectionError, RedisTimeoutError):
                await self._open_once()
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _open_once(self) -> _Link:
        """Connect in a task of its own, so that no caller's cancellation stops it for others."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(self._forget_opening)
        return await asyncio.shield(self._opening)

    def _forget_opening(self, opening: asyncio.Task[_Link]) -> None:
        self._opening = None
        if not opening.cancelled():
            opening.exception()  # asyncio logs an exception that nobody looks at

    async def _open(self) -> _Link:
        connection = self._make_connection()
        # A time-out of the connection would be one timer for each reply and, in Python 3.11, a task
        # for each write. Retries are this class's own.
        connection.socket_timeout, connection.health_check_interval = None, 0
        connection.retry = Retry(NoBackoff(), 0)
        try:
            async with asyncio.timeout(self._connect_timeout):
                await connection.connect()  # type: ignore[no-untyped-call]
        except TimeoutError as error:
            await connection.disconnect(nowait=True)
            raise RedisTimeoutError("Timeout connecting to server") from error
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        self._link = _Link(connection, self._reply_timeout)
        return self._link


def _copy_error(error: Exception) -> Exception:
    """Return an error for one caller: a shared one would collect the tracebacks of all of them."""
    return type(error)(*error.args)


async def _ignore_failure(_: Exception) -> None:
    """Called between two attempts, where redis-py disconnects."""
