"""Moves due runs from rest_service to the queues, at least once. The queues drop duplicates."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from smart_kit.contracts import keys
from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.cron_jobs import ClaimedRun, ClaimedRuns
from smart_kit.contracts.queue import compute_lateness

from .metrics import DISPATCHED, LATENESS_SECONDS
from .redis_client import RedisClient
from .rest_client import RestClient

MAX_RUNS_PER_CLAIM = 100
"""Limit of rest_service's claims. A claim with this many runs is followed by another one."""

CONTENDED_RETRY_DELAY = timedelta(seconds=0.5)
"""Delay of the next claim if another replica is claiming the due runs."""

NO_BOT_RETRY_DELAY = timedelta(seconds=3)
"""Delay of the next claim while the active bot is unknown."""

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class DispatchResult:
    """What a claim has found."""

    next_delay: timedelta | None
    """Time until the next claim; None: no run is planned."""
    claimed_at: datetime | None = None
    """Time of the claim on Postgres's clock; None: nothing was claimed, as the bot is unknown."""
    has_more: bool = False
    """Whether more runs may be due already."""
    job_ids: frozenset[str] = frozenset()
    """The jobs whose runs are in the queues now."""


class Dispatcher:
    """Claims due runs and enqueues them.

    The order guarantees at-least-once delivery: a run is claimed in Postgres, enqueued in Redis and
    then reported. After a crash in between, rest_service soon hands the run out again.
    """

    def __init__(self, rest: RestClient, redis: RedisClient) -> None:
        self._rest = rest
        self._redis = redis
        self._is_bot_missing = False

    async def dispatch(self) -> DispatchResult:
        """Claim due runs and enqueue them."""
        bot_id = await self._redis.get_bot_id()
        if bot_id is None:
            self._log_missing_bot()
            return DispatchResult(NO_BOT_RETRY_DELAY)
        self._is_bot_missing = False
        claim = await self._rest.claim(bot_id)
        if claim.runs:
            await self._dispatch_runs(claim, bot_id)
        job_ids = frozenset(str(run.job_id) for run in claim.runs)
        is_full = len(claim.runs) >= MAX_RUNS_PER_CLAIM
        has_more = claim.next_fire_at is not None and claim.next_fire_at <= claim.now
        next_delay = timedelta() if is_full else _get_next_delay(claim)
        return DispatchResult(next_delay, claim.now, is_full or has_more, job_ids)

    async def _dispatch_runs(self, claim: ClaimedRuns, bot_id: int) -> None:
        claimed_at = time.monotonic()
        await self._enqueue(claim.runs, bot_id)
        queued_at = claim.now + timedelta(seconds=time.monotonic() - claimed_at)
        await self._rest.report_dispatched(run.id for run in claim.runs)
        for run in claim.runs:
            _record_dispatch(run, compute_lateness(run.scheduled_for, queued_at))

    async def _enqueue(self, runs: Iterable[ClaimedRun], bot_id: int) -> None:
        """Enqueue all chats at once, in one round trip, but the runs of a chat in order."""
        runs_by_chat: dict[int, list[ClaimedRun]] = defaultdict(list)
        for run in runs:
            runs_by_chat[run.chat_id].append(run)
        sending = (self._send_all(chat_runs, bot_id) for chat_runs in runs_by_chat.values())
        results = await asyncio.gather(*sending, return_exceptions=True)
        for error in filter(None, results):
            raise error

    async def _send_all(self, runs: Iterable[ClaimedRun], bot_id: int) -> None:
        for run in runs:
            await self._send(run, bot_id)

    async def _send(self, run: ClaimedRun, bot_id: int) -> None:
        """Enqueue a run. Of a prompt that was missed, the user gets a report."""
        message_id = keys.message_id_for_run(run.id)
        fields = _build_common_fields(run, bot_id)
        if run.type == "reminder":
            await self._send_notification(run, fields, message_id)
        elif run.is_skipped:
            await self._send_notification(run, fields, message_id, is_report=True)
        else:
            if run.missed_count:
                await self._send_notification(run, fields, f"missed:{run.id}", is_report=True)
            await self._redis.send_prompt(
                run.chat_id, run.text, **fields, id=message_id, telegram_id=run.telegram_id
            )

    async def _send_notification(
        self, run: ClaimedRun, fields: JsonObject, message_id: str, *, is_report: bool = False
    ) -> None:
        await self._redis.send_notification(
            run.chat_id,
            run.text,
            run.priority,
            **fields,
            id=message_id,
            is_report=is_report,
            language_code=run.language_code,
            timezone=run.timezone,
            missed_count=run.missed_count,
            first_missed_at=run.first_missed_at,
        )

    def _log_missing_bot(self) -> None:
        if not self._is_bot_missing:
            log.info("dispatch paused, active bot unknown")
        self._is_bot_missing = True


def _build_common_fields(run: ClaimedRun, bot_id: int) -> JsonObject:
    return {
        "conversation": keys.conversation_for_chat(bot_id, run.chat_id),
        "correlation_id": keys.message_id_for_run(run.id),
        "run_id": run.id,
        "job_id": run.job_id,
        "scheduled_for": run.scheduled_for,
    }


def _record_dispatch(run: ClaimedRun, late_seconds: float) -> None:
    DISPATCHED.labels("skipped_prompt" if run.is_skipped else run.type).inc()
    LATENESS_SECONDS.observe(late_seconds)
    log.info(
        "run dispatched",
        correlation_id=keys.message_id_for_run(run.id),
        type=run.type,
        is_skipped=run.is_skipped,
        late_seconds=round(late_seconds, 3),
    )


def _get_next_delay(claim: ClaimedRuns) -> timedelta | None:
    """Return the time until the next run by Postgres's clock, which local clocks may not match."""
    if claim.next_fire_at is None:
        return None
    gap = claim.next_fire_at - claim.now
    return gap if gap > timedelta() else CONTENDED_RETRY_DELAY
