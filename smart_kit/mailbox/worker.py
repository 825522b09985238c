"""Processes the messages of a mailbox in a number of slots, with leases and retries."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import starmap
from typing import TypeVar
from uuid import uuid4

import structlog
from redis.exceptions import ResponseError

from smart_kit.aio import is_cancelled
from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox.mailbox import MAX_ATTEMPTS, Mailbox
from smart_kit.mailbox.messages import DeadLetter, Delivery, LeaseLost, Outcome, StreamEntry
from smart_kit.metrics import HANDLING_SECONDS, PROCESSED_MESSAGES
from smart_kit.redis import CONNECTION_ERRORS, Redis

Handler = Callable[[Delivery], Awaitable[Outcome]]
"""Processes a message. Raises RetryMessage or RejectMessage; other errors count as attempts."""

DeadLetterHook = Callable[[Delivery], Awaitable[Outcome]]
"""Returns the outcome of a message that becomes a dead letter, e.g. a notice to the user."""

T = TypeVar("T")

RECONNECT_SECONDS = 0.5

RENEWALS_PER_LEASE = 3
"""With three renewals, one may fail before another replica takes the message over."""

RENEWALS_PER_SIGN_OF_LIFE = 4

READ_LIMIT = 16
"""Conversations per read. What is read together is begun, and often finished, in one write; with a
higher limit one replica would take much of a short burst while another is idle."""

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class WorkerTimings:
    """Intervals and time limits of a worker, in seconds."""

    promote_interval_seconds: float = 1.0
    """Longest time between two checks for delayed messages that are due."""
    take_over_interval_seconds: float = 1.0
    """Time between two checks for dead workers."""
    crash_backoff_seconds: float = 2.0
    """Delay after the first unexpected error; each further one doubles it."""
    drain_timeout_seconds: float = 15.0
    """Time that running messages get after a stop; then other replicas take them over."""


DEFAULT_TIMINGS = WorkerTimings()


class Worker:
    """Consumer of a mailbox in one replica."""

    def __init__(
        self,
        mailbox: Mailbox,
        blocking: Redis,
        handler: Handler,
        on_dead_letter: DeadLetterHook,
        *,
        slots: int = 16,
        timings: WorkerTimings = DEFAULT_TIMINGS,
    ) -> None:
        self.last_read_at: float | None = None
        """Monotonic time of the last successful read."""
        self._mailbox = mailbox
        self._blocking = blocking
        self._handler = handler
        self._on_dead_letter = on_dead_letter
        self._slots = slots
        self._timings = timings
        self._consumer = str(uuid4())  # a PID may be the same in another container
        self._running: dict[asyncio.Task[None], str] = {}
        """The tasks and the ids of their entries."""
        self._in_flight: dict[asyncio.Task[None], Delivery] = {}
        self._has_joined = False
        self._next_promote_at = 0.0
        self._next_take_over_at = 0.0
        self._next_reclaim_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Process messages until `stop`, then finish or release the running ones."""
        renewing = [
            asyncio.create_task(self._renew_leases()),
            asyncio.create_task(self._renew_sign_of_life()),
        ]
        stopping = asyncio.create_task(stop.wait())
        try:
            await self._consume(stopping)
            if self._running:
                await asyncio.wait(self._running, timeout=self._timings.drain_timeout_seconds)
        finally:
            for task in (*renewing, stopping):
                task.cancel()
            await self._cancel_running()
        with contextlib.suppress(*CONNECTION_ERRORS, ResponseError):
            await self._mailbox.remove_consumer(self._consumer)

    async def _consume(self, stopping: asyncio.Task[bool]) -> None:
        while not (stopping.done() or is_cancelled()):
            if len(self._running) >= self._slots:  # others may have free slots
                await asyncio.wait({*self._running, stopping}, return_when=asyncio.FIRST_COMPLETED)
                continue
            try:
                for entry in await self._fetch_entries():
                    task = asyncio.create_task(self._process_entry(entry))
                    self._running[task] = entry.id
                    task.add_done_callback(self._running.pop)
            except CONNECTION_ERRORS as error:
                log.warning("redis unavailable", queue=self._mailbox.name, reason=str(error))
                await self._wait_to_reconnect()
            except ResponseError as error:  # NOGROUP after a flush, LOADING after a restart
                log.warning("redis command failed", queue=self._mailbox.name, reason=str(error))
                await self._wait_to_reconnect()

    async def _wait_to_reconnect(self) -> None:
        self._has_joined = False
        self._postpone_take_over()
        await asyncio.sleep(RECONNECT_SECONDS)

    def _postpone_take_over(self) -> None:
        """Let living workers, whose signs of life may have expired too, renew them first."""
        self._next_take_over_at = time.monotonic() + self._mailbox.sign_of_life_seconds

    async def _fetch_entries(self) -> list[StreamEntry]:
        if not self._has_joined and (entries := await self._join_group()):
            return entries
        now = time.monotonic()
        if now >= self._next_promote_at:
            next_due = await self._mailbox.promote()
            longest = self._timings.promote_interval_seconds
            self._next_promote_at = now + (longest if next_due is None else min(next_due, longest))
        free = self._slots - len(self._running)
        if entries := await self._recover_entries(now, free):
            return entries
        timeout_seconds = self._next_promote_at - time.monotonic()
        entries = await self._mailbox.receive(
            self._blocking, self._consumer, timeout_seconds, min(free, READ_LIMIT)
        )
        self.last_read_at = time.monotonic()
        return entries

    async def _join_group(self) -> list[StreamEntry]:
        """Show a sign of life, and return the entries of a reply that was lost."""
        await self._mailbox.create_group()
        await self._mailbox.renew_sign_of_life(self._consumer)
        received = await self._mailbox.list_received(self._blocking, self._consumer, self._slots)
        running = set(self._running.values())
        lost = [entry for entry in received if entry.id not in running]
        free = self._slots - len(self._running)
        self._has_joined = len(lost) <= free
        return lost[:free]

    async def _recover_entries(self, now: float, free: int) -> list[StreamEntry]:
        """Take over entries of dead workers, then of stalled ones."""
        if now >= self._next_take_over_at:
            if entries := await self._mailbox.take_over(self._blocking, self._consumer, free):
                return entries
            next_at = now + self._timings.take_over_interval_seconds
            self._next_take_over_at = max(self._next_take_over_at, next_at)  # it may be postponed
        if now >= self._next_reclaim_at:
            entries = await self._mailbox.reclaim(self._blocking, self._consumer, free)
            if len(entries) < free:
                self._next_reclaim_at = now + self._mailbox.lease_seconds / 2
            return entries
        return []

    async def _process_entry(self, entry: StreamEntry) -> None:
        try:
            delivery = await retry_until_redis(lambda: self._mailbox.begin(entry))
            if delivery is not None:
                await self._process_delivery(delivery)
        except Exception:  # the consumer continues; this message's lease expires
            log.exception("message processing failed", conversation=entry.conversation)

    async def _process_delivery(self, delivery: Delivery) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._in_flight[task] = delivery
        started = time.monotonic()
        try:
            outcome = await self._settle_delivery(delivery)
        except LeaseLost:
            outcome = "lease_lost"
            log.info("message lease lost", conversation=delivery.conversation)
        finally:
            del self._in_flight[task]
        PROCESSED_MESSAGES.labels(self._mailbox.name, outcome).inc()
        HANDLING_SECONDS.labels(self._mailbox.name).observe(time.monotonic() - started)

    async def _settle_delivery(self, delivery: Delivery) -> str:
        try:
            if delivery.attempt > MAX_ATTEMPTS:  # its worker crashed each time
                raise RejectMessage(f"Given up after {MAX_ATTEMPTS} attempts.")
            outcome = await self._handler(delivery)
        except RetryMessage as retry:
            log.info("message delayed", seconds=retry.after, reason=retry.message)
            return await self._delay_delivery(delivery, retry.after)
        except RejectMessage as rejection:
            return await self._dead_letter(delivery, rejection.message)
        except LeaseLost:
            raise
        except CONNECTION_ERRORS as error:
            log.warning("redis lost during message", reason=str(error))
            return await self._delay_delivery(delivery, RECONNECT_SECONDS)
        except asyncio.CancelledError:
            with contextlib.suppress(LeaseLost, *CONNECTION_ERRORS):
                await self._mailbox.delay(delivery, 0)
            raise
        except Exception as error:  # one failing message must not stop the others
            log.exception("message handler failed", attempt=delivery.attempt)
            if delivery.attempt >= MAX_ATTEMPTS:
                return await self._dead_letter(delivery, f"{type(error).__name__}: {error}")
            backoff = self._timings.crash_backoff_seconds * 2 ** (delivery.attempt - 1)
            return await self._delay_delivery(delivery, backoff, is_attempt_counted=True)
        await retry_until_redis(lambda: self._mailbox.finish(delivery, outcome))
        return "done"

    async def _delay_delivery(
        self, delivery: Delivery, after: float, *, is_attempt_counted: bool = False
    ) -> str:
        await retry_until_redis(
            lambda: self._mailbox.delay(delivery, after, is_attempt_counted=is_attempt_counted)
        )
        return "delayed"

    async def _dead_letter(self, delivery: Delivery, reason: str) -> str:
        attempts = min(delivery.attempt, MAX_ATTEMPTS)  # a later one only ends here
        log.error("message dead-lettered", reason=reason, attempts=attempts)
        dead_letter = DeadLetter(
            queue=self._mailbox.name,
            conversation=delivery.conversation,
            payload=delivery.payload,
            reason=reason,
            attempts=attempts,
        )
        try:
            outcome = await self._on_dead_letter(delivery)
        except Exception:  # the message becomes a dead letter even if the hook fails
            log.exception("dead-letter hook failed")
            outcome = Outcome()
        await retry_until_redis(
            lambda: self._mailbox.finish(delivery, outcome, dead_letter=dead_letter)
        )
        return "dead_lettered"

    async def _renew_leases(self) -> None:
        """Renew all leases in a separate task, so that a slow handler cannot delay renewals."""
        while True:
            await asyncio.sleep(self._mailbox.lease_seconds / RENEWALS_PER_LEASE)
            await asyncio.gather(*starmap(self._renew_lease, list(self._in_flight.items())))

    async def _renew_lease(self, task: asyncio.Task[None], delivery: Delivery) -> None:
        try:
            await self._mailbox.renew(delivery, self._consumer)
        except LeaseLost:
            task.cancel()
        except Exception as error:  # an error here would end all leases
            log.warning("lease renewal failed", reason=str(error))

    async def _renew_sign_of_life(self) -> None:
        """Renew it in a separate task, because reading waits while all slots are occupied."""
        while True:
            await asyncio.sleep(self._mailbox.sign_of_life_seconds / RENEWALS_PER_SIGN_OF_LIFE)
            try:
                await self._mailbox.renew_sign_of_life(self._consumer)
            except Exception as error:  # a later renewal may succeed
                log.warning("sign of life failed", reason=str(error))
                self._postpone_take_over()

    async def _cancel_running(self) -> None:
        # repeatedly, because a handler's `asyncio.wait_for` can swallow a cancellation (see
        # `is_cancelled`), and even when this task is cancelled itself, because nothing else waits
        while self._running:
            for task in self._running:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(self._running, timeout=1.0)


async def retry_until_redis(call: Callable[[], Awaitable[T]]) -> T:
    """Repeat an idempotent call while Redis is unavailable and return its result."""
    has_warned = False
    while True:
        try:
            return await call()
        except CONNECTION_ERRORS as error:
            if is_cancelled():
                raise asyncio.CancelledError from error
            if not has_warned:
                log.warning("redis unavailable", reason=str(error))
                has_warned = True
            await asyncio.sleep(RECONNECT_SECONDS)
