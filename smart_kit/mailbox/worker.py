"""Reads a mailbox with a number of slots: leases, hand-over, and the fate of each message."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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
"""Raises RetryMessage or RejectMessage; any other error counts as an attempt."""

DeadLetterHook = Callable[[Delivery], Awaitable[Outcome]]
"""What still happens for a message that becomes a dead letter, e.g. a word to the user."""

T = TypeVar("T")

RECONNECT_SECONDS = 0.5

RENEWALS_PER_LEASE = 3
"""One of them may fail, and the next still comes before another replica takes the message over."""

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class WorkerTimings:
    """How patient a worker is, in seconds."""

    promote_interval_seconds: float = 1.0
    """At most so long after its time a delayed message is noticed."""
    crash_backoff_seconds: float = 2.0
    """After the first unexpected error; each further one doubles it."""
    drain_timeout_seconds: float = 15.0
    """How long running messages may go on after a stop; then other replicas get them."""


DEFAULT_TIMINGS = WorkerTimings()


class Worker:
    """One replica's share of a mailbox."""

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
        """Monotonic time of the last good read."""
        self._mailbox = mailbox
        self._blocking = blocking
        self._handler = handler
        self._on_dead_letter = on_dead_letter
        self._slots = slots
        self._timings = timings
        self._consumer = uuid4().hex  # a PID comes again in another container
        self._running: set[asyncio.Task[None]] = set()
        self._in_flight: dict[asyncio.Task[None], Delivery] = {}
        self._has_group = False
        self._next_promote_at = 0.0
        self._next_reclaim_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`, then finish or hand over what is running."""
        renewing = asyncio.create_task(self._renew_leases())
        stopping = asyncio.create_task(stop.wait())
        try:
            await self._consume(stopping)
            if self._running:
                await asyncio.wait(self._running, timeout=self._timings.drain_timeout_seconds)
        finally:
            renewing.cancel()
            stopping.cancel()
            await self._cancel_running()
        with contextlib.suppress(*CONNECTION_ERRORS, ResponseError):
            await self._mailbox.remove_consumer(self._consumer)

    async def _consume(self, stopping: asyncio.Task[bool]) -> None:
        while not (stopping.done() or is_cancelled()):
            if len(self._running) >= self._slots:  # whoever has a free slot may take the next
                await asyncio.wait({*self._running, stopping}, return_when=asyncio.FIRST_COMPLETED)
                continue
            try:
                for entry in await self._fetch_entries():
                    self._start(entry)
            except CONNECTION_ERRORS as error:
                log.warning("redis unavailable", queue=self._mailbox.name, reason=str(error))
                await asyncio.sleep(RECONNECT_SECONDS)
            except ResponseError as error:  # NOGROUP after a flush, LOADING after a restart
                self._has_group = False
                log.warning("redis command failed", queue=self._mailbox.name, reason=str(error))
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _fetch_entries(self) -> list[StreamEntry]:
        if not self._has_group:
            await self._mailbox.create_group()
            self._has_group = True
        now = time.monotonic()
        if now >= self._next_promote_at:
            next_due = await self._mailbox.promote()
            wait = (
                self._timings.promote_interval_seconds
                if next_due is None
                else min(next_due, self._timings.promote_interval_seconds)
            )
            self._next_promote_at = now + wait
        if now >= self._next_reclaim_at:
            free = self._slots - len(self._running)
            entries = await self._mailbox.reclaim(self._consumer, free)
            if len(entries) < free:
                self._next_reclaim_at = now + self._mailbox.lease_seconds / 2
            if entries:
                return entries
        entry = await self._mailbox.receive(
            self._blocking, self._consumer, self._next_promote_at - time.monotonic()
        )
        self.last_read_at = time.monotonic()
        return [entry] if entry else []

    def _start(self, entry: StreamEntry) -> None:
        task = asyncio.create_task(self._process_entry(entry))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _process_entry(self, entry: StreamEntry) -> None:
        try:
            delivery = await retry_until_redis(lambda: self._mailbox.begin(entry))
            if delivery is not None:
                await self._process_delivery(delivery)
        except Exception:  # the consumer's loop outlives any message; this one's lease runs out
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
            if delivery.attempt > MAX_ATTEMPTS:  # its worker died each time
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
        except Exception as error:  # the same
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
        attempts = min(delivery.attempt, MAX_ATTEMPTS)  # one beyond them only buries
        log.error("message dead-lettered", reason=reason, attempts=attempts)
        dead_letter = DeadLetter(
            queue=self._mailbox.name,
            conversation=delivery.conversation,
            payload=delivery.payload,
            reason=reason,
            attempts=attempts,
        )
        outcome = await self._run_dead_letter_hook(delivery)
        await retry_until_redis(
            lambda: self._mailbox.finish(delivery, outcome, dead_letter=dead_letter)
        )
        return "dead_lettered"

    async def _run_dead_letter_hook(self, delivery: Delivery) -> Outcome:
        try:
            return await self._on_dead_letter(delivery)
        except Exception:  # the letter must be buried whatever else fails
            log.exception("dead-letter hook failed")
            return Outcome()

    async def _renew_leases(self) -> None:
        """Renew every lease in a task of its own, which no handler can starve by awaiting."""
        while True:
            await asyncio.sleep(self._mailbox.lease_seconds / RENEWALS_PER_LEASE)
            for task, delivery in list(self._in_flight.items()):
                try:
                    await self._mailbox.renew(delivery, self._consumer)
                except LeaseLost:
                    task.cancel()
                except Exception as error:  # with it would end the leases of all that runs
                    log.warning("lease renewal failed", reason=str(error))
                if is_cancelled():
                    return

    async def _cancel_running(self) -> None:
        """Cancel what runs until it has ended: again and again, because a command to Redis can
        swallow a cancellation (see is_cancelled), and even where we are cancelled ourselves,
        because nobody else would wait for it."""
        while self._running:
            for task in self._running:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(self._running, timeout=1.0)


async def retry_until_redis(call: Callable[[], Awaitable[T]]) -> T:
    """The call's result, however long Redis is away; each of these calls may be repeated."""
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
