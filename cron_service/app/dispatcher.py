"""Moves due runs from rest_service to the queues, at least once. The queues drop duplicates."""

import time
from collections.abc import Sequence
from datetime import timedelta

import structlog

from smart_kit.contracts import keys
from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.cron_jobs import ClaimedRun, ClaimedRuns
from smart_kit.contracts.queue import Notification, ScheduledPrompt, compute_lateness

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


class Dispatcher:
    """Claims due runs and enqueues them.

    The order guarantees at-least-once delivery: a run is claimed in Postgres, enqueued in Redis and
    then reported. After a crash in between, rest_service hands the run out again after 10 s.
    """

    def __init__(self, rest: RestClient, redis: RedisClient) -> None:
        self._rest = rest
        self._redis = redis
        self._is_bot_missing = False

    async def dispatch(self) -> timedelta | None:
        """Enqueue due runs. Return the delay of the next claim, or None if no run is planned."""
        bot_id = await self._redis.get_bot_id()
        if bot_id is None:
            self._log_missing_bot()
            return NO_BOT_RETRY_DELAY
        self._is_bot_missing = False
        claim = await self._rest.claim(bot_id)
        claimed_at = time.monotonic()
        if not claim.runs:
            return _get_next_delay(claim)
        await self._enqueue(claim.runs, bot_id)
        queued_at = claim.now + timedelta(seconds=time.monotonic() - claimed_at)
        await self._rest.report_dispatched(run.id for run in claim.runs)
        for run in claim.runs:
            _record_dispatch(run, compute_lateness(run.scheduled_for, queued_at))
        return timedelta() if len(claim.runs) >= MAX_RUNS_PER_CLAIM else _get_next_delay(claim)

    async def _enqueue(self, runs: Sequence[ClaimedRun], bot_id: int) -> None:
        await self._redis.send_notification(
            *(_build_notification(run, bot_id) for run in runs if run.type == "reminder")
        )
        await self._redis.send_prompt(
            *(_build_prompt(run, bot_id) for run in runs if run.type == "prompt")
        )

    def _log_missing_bot(self) -> None:
        if not self._is_bot_missing:
            log.info("dispatch paused, active bot unknown")
        self._is_bot_missing = True


def _build_notification(run: ClaimedRun, bot_id: int) -> Notification:
    return Notification(
        **_build_common_fields(run, bot_id),
        language_code=run.language_code,
        priority=run.priority,
        timezone=run.timezone,
    )


def _build_prompt(run: ClaimedRun, bot_id: int) -> ScheduledPrompt:
    return ScheduledPrompt(**_build_common_fields(run, bot_id), telegram_id=run.telegram_id)


def _build_common_fields(run: ClaimedRun, bot_id: int) -> JsonObject:
    message_id = keys.message_id_for_run(run.id)
    return {
        "id": message_id,
        "conversation": keys.conversation_for_chat(bot_id, run.chat_id),
        "chat_id": run.chat_id,
        "correlation_id": message_id,
        "run_id": run.id,
        "job_id": run.job_id,
        "text": run.text,
        "scheduled_for": run.scheduled_for,
    }


def _record_dispatch(run: ClaimedRun, late_seconds: float) -> None:
    DISPATCHED.labels(run.type).inc()
    LATENESS_SECONDS.observe(late_seconds)
    log.info(
        "run dispatched",
        correlation_id=keys.message_id_for_run(run.id),
        type=run.type,
        late_seconds=round(late_seconds, 3),
    )


def _get_next_delay(claim: ClaimedRuns) -> timedelta | None:
    """Return the time until the next run by Postgres's clock, which local clocks may not match."""
    if claim.next_fire_at is None:
        return None
    gap = claim.next_fire_at - claim.now
    return gap if gap > timedelta() else CONTENDED_RETRY_DELAY
