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

from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox.letters import DeadLetter, Delivery, Entry, Outcome, Superseded
from smart_kit.mailbox.mailbox import MAX_ATTEMPTS, Mailbox
from smart_kit.metrics import HANDLING_SECONDS, MESSAGES
from smart_kit.redis import UNREACHABLE, Redis, is_cancelled

Handler = Callable[[Delivery], Awaitable[Outcome]]
"""Raises RetryMessage or RejectMessage; any other error counts as an attempt."""

Apology = Callable[[Delivery], Awaitable[Outcome]]
"""What still happens for a message that becomes a dead letter, e.g. a word to the user."""

T = TypeVar("T")

RECONNECT_SECONDS = 0.5

RENEWALS_PER_LEASE = 3
"""One of them may fail, and the next still comes before another replica takes the message over."""

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Pace:
    """How patient a worker is, in seconds."""

    promote: float = 1.0
    """At most so long after its time a delayed message is noticed."""
    crash_backoff: float = 2.0
    """After the first unexpected error; each further one doubles it."""
    hand_over: float = 15.0
    """How long running messages may go on after a stop; then other replicas get them."""


DEFAULT_PACE = Pace()


class Worker:
    """One replica's share of a mailbox."""

    def __init__(
        self,
        mailbox: Mailbox,
        blocking: Redis,
        handler: Handler,
        apology: Apology,
        *,
        slots: int = 16,
        pace: Pace = DEFAULT_PACE,
    ) -> None:
        self.last_read_at: float | None = None
        """Monotonic time of the last good read."""
        self._mailbox = mailbox
        self._blocking = blocking
        self._handler = handler
        self._apology = apology
        self._slots = slots
        self._pace = pace
        self._consumer = uuid4().hex  # a PID comes again in another container
        self._running: set[asyncio.Task[None]] = set()
        self._held: dict[asyncio.Task[None], Delivery] = {}
        self._has_group = False
        self._promote_at = 0.0
        self._reclaim_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`, then finish or hand over what is running."""
        heart = asyncio.create_task(self._beat())
        stopping = asyncio.create_task(stop.wait())
        try:
            await self._read(stopping)
            if self._running:
                await asyncio.wait(self._running, timeout=self._pace.hand_over)
        finally:
            heart.cancel()
            stopping.cancel()
            await self._hand_over()
        with contextlib.suppress(*UNREACHABLE, ResponseError):
            await self._mailbox.forget(self._consumer)

    async def _read(self, stopping: asyncio.Task[bool]) -> None:
        while not (stopping.done() or is_cancelled()):
            if len(self._running) >= self._slots:  # whoever has a free slot may take the next
                await asyncio.wait({*self._running, stopping}, return_when=asyncio.FIRST_COMPLETED)
                continue
            try:
                for entry in await self._next():
                    self._start(entry)
            except UNREACHABLE as error:
                log.warning("redis is away", queue=self._mailbox.name, reason=str(error))
                await asyncio.sleep(RECONNECT_SECONDS)
            except ResponseError as error:  # NOGROUP after a flush, LOADING after a restart
                self._has_group = False
                log.warning("redis cannot answer", queue=self._mailbox.name, reason=str(error))
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _next(self) -> list[Entry]:
        if not self._has_group:
            await self._mailbox.create()
            self._has_group = True
        now = time.monotonic()
        if now >= self._promote_at:
            due = await self._mailbox.promote()
            wait = self._pace.promote if due is None else min(due, self._pace.promote)
            self._promote_at = now + wait
        if now >= self._reclaim_at:
            free = self._slots - len(self._running)
            entries = await self._mailbox.reclaim(self._consumer, free)
            if len(entries) < free:
                self._reclaim_at = now + self._mailbox.lease_seconds / 2
            if entries:
                return entries
        entry = await self._mailbox.receive(
            self._blocking, self._consumer, self._promote_at - time.monotonic()
        )
        self.last_read_at = time.monotonic()
        return [entry] if entry else []

    def _start(self, entry: Entry) -> None:
        task = asyncio.create_task(self._work(entry))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _work(self, entry: Entry) -> None:
        try:
            delivery = await until_redis(lambda: self._mailbox.begin(entry))
            if delivery is not None:
                await self._hold(delivery)
        except Exception:  # the consumer's loop outlives any message; this one's lease runs out
            log.exception("message could not be taken or ended", conversation=entry.conversation)

    async def _hold(self, delivery: Delivery) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._held[task] = delivery
        started = time.monotonic()
        try:
            fate = await self._settle(delivery)
        except Superseded:
            fate = "superseded"
            log.info("another worker has the message", conversation=delivery.conversation)
        finally:
            del self._held[task]
        MESSAGES.labels(self._mailbox.name, fate).inc()
        HANDLING_SECONDS.labels(self._mailbox.name).observe(time.monotonic() - started)

    async def _settle(self, delivery: Delivery) -> str:
        try:
            if delivery.attempt > MAX_ATTEMPTS:  # its worker died each time
                raise RejectMessage(f"Given up after {MAX_ATTEMPTS} attempts.")
            outcome = await self._handler(delivery)
        except RetryMessage as retry:
            log.info("message waits", seconds=retry.after, reason=retry.message)
            return await self._delay(delivery, retry.after)
        except RejectMessage as rejection:
            return await self._bury(delivery, rejection.message)
        except Superseded:
            raise
        except UNREACHABLE as error:
            log.warning("redis went away during a message", reason=str(error))
            return await self._delay(delivery, RECONNECT_SECONDS)
        except asyncio.CancelledError:
            with contextlib.suppress(Superseded, *UNREACHABLE):
                await self._mailbox.delay(delivery, 0)
            raise
        except Exception as error:  # the same
            log.exception("message failed", attempt=delivery.attempt)
            if delivery.attempt >= MAX_ATTEMPTS:
                return await self._bury(delivery, f"{type(error).__name__}: {error}")
            backoff = self._pace.crash_backoff * 2 ** (delivery.attempt - 1)
            return await self._delay(delivery, backoff, is_counted=True)
        await until_redis(lambda: self._mailbox.finish(delivery, outcome))
        return "done"

    async def _delay(self, delivery: Delivery, after: float, *, is_counted: bool = False) -> str:
        await until_redis(lambda: self._mailbox.delay(delivery, after, is_counted=is_counted))
        return "delayed"

    async def _bury(self, delivery: Delivery, reason: str) -> str:
        attempts = min(delivery.attempt, MAX_ATTEMPTS)  # one beyond them only buries
        log.error("message is dead", reason=reason, attempts=attempts)
        letter = DeadLetter(
            queue=self._mailbox.name,
            conversation=delivery.conversation,
            payload=delivery.payload,
            reason=reason,
            attempts=attempts,
        )
        outcome = await self._apologise(delivery)
        await until_redis(lambda: self._mailbox.finish(delivery, outcome, dead=letter))
        return "dead"

    async def _apologise(self, delivery: Delivery) -> Outcome:
        try:
            return await self._apology(delivery)
        except Exception:  # the letter must be buried whatever else fails
            log.exception("no apology could be made")
            return Outcome()

    async def _beat(self) -> None:
        """Renew every lease in a task of its own, which no handler can starve by awaiting."""
        while True:
            await asyncio.sleep(self._mailbox.lease_seconds / RENEWALS_PER_LEASE)
            for task, delivery in list(self._held.items()):
                try:
                    await self._mailbox.renew(delivery, self._consumer)
                except Superseded:
                    task.cancel()
                except Exception as error:  # with it would end the leases of all that runs
                    log.warning("lease could not be renewed", reason=str(error))
                if is_cancelled():
                    return

    async def _hand_over(self) -> None:
        """Cancel what runs until it has ended: again and again, because a command to Redis can
        swallow a cancellation (see is_cancelled), and even where we are cancelled ourselves,
        because nobody else would wait for it."""
        while self._running:
            for task in self._running:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(self._running, timeout=1.0)


async def until_redis(call: Callable[[], Awaitable[T]]) -> T:
    """The call's result, however long Redis is away; each of these calls may be repeated."""
    was_told = False
    while True:
        try:
            return await call()
        except UNREACHABLE as error:
            if is_cancelled():
                raise asyncio.CancelledError from error
            if not was_told:
                log.warning("redis is away", reason=str(error))
                was_told = True
            await asyncio.sleep(RECONNECT_SECONDS)
