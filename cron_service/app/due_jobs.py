"""The jobs that are due and, as far as this replica knows, not in a queue yet."""

import math
import time
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

SETTLING_TIME = timedelta(seconds=10)
"""How long another replica may take to claim a job, while claims of others do not return it."""


class _DueJob(NamedTuple):
    scheduled_for: datetime
    added_at: float
    """On the monotonic clock; infinite for a stuck job."""


class DueJobs:
    """By job id, the oldest time for which the job is due.

    A claim without an error settles the jobs that were due before it: they were claimed, here or by
    another replica. A job that is still listed long after such a claim is stuck. It stays due until
    it is enqueued here or no longer listed.
    """

    def __init__(self) -> None:
        self.claimed_at: datetime | None = None
        """Time of the last claim that settled jobs, on Postgres's clock."""
        self._jobs: dict[str, _DueJob] = {}

    def add(self, job_id: str, scheduled_for: datetime) -> None:
        """Add a job whose time has come. A job that is due already stays due for its older time."""
        self._jobs.setdefault(job_id, _DueJob(scheduled_for, time.monotonic()))

    def add_if_stuck(self, job_id: str, next_fire_at: datetime, claimed_at: datetime) -> None:
        """Add a job that was listed after a claim which should have returned it."""
        if next_fire_at <= claimed_at - SETTLING_TIME:
            self._jobs[job_id] = _DueJob(next_fire_at, math.inf)

    def is_due(self, job_id: str, next_fire_at: datetime) -> bool:
        """Return whether the job is due for this time."""
        job = self._jobs.get(job_id)
        return job is not None and job.scheduled_for == next_fire_at

    def has_stuck(self) -> bool:
        """Return whether a job is stuck."""
        return any(job.added_at == math.inf for job in self._jobs.values())

    def settle(self, claimed_at: datetime, started_at: float) -> None:
        """Remove what a claim has settled.

        It was made at `claimed_at` on Postgres's clock, and began at `started_at` on the monotonic
        one.
        """
        self.claimed_at = claimed_at
        self.remove([id_ for id_, job in self._jobs.items() if job.added_at <= started_at])

    def keep_listed(self, listed: Mapping[str, datetime]) -> None:
        """Remove jobs whose next fire is no longer the one they are due for."""
        jobs = self._jobs.items()
        self.remove([id_ for id_, job in jobs if listed.get(id_) != job.scheduled_for])

    def remove(self, job_ids: Collection[str]) -> None:
        """Remove jobs that are in a queue now."""
        for job_id in job_ids:
            self._jobs.pop(job_id, None)

    def clear(self) -> None:
        """Remove all jobs."""
        self._jobs.clear()

    def compute_overdue_seconds(self, now: datetime) -> float:
        """Return how late the most overdue job is; 0 if none is."""
        oldest = min((job.scheduled_for for job in self._jobs.values()), default=now)
        return max(0.0, (now - oldest).total_seconds())
