"""Which jobs count as overdue."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from cron_service.app.due_jobs import DueJobs

NINE = datetime(2031, 1, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SETTLING_TIME = timedelta(seconds=10)


@pytest.fixture
def due_jobs() -> DueJobs:
    return DueJobs()


def count_overdue_seconds(due_jobs: DueJobs) -> float:
    return due_jobs.compute_overdue_seconds(NINE + MINUTE)


def test_oldest_due_job_counts(due_jobs: DueJobs) -> None:
    assert count_overdue_seconds(due_jobs) == 0
    due_jobs.add("later", NINE + timedelta(seconds=30))
    assert count_overdue_seconds(due_jobs) == 30
    due_jobs.add("a", NINE)
    due_jobs.add("a", NINE + timedelta(seconds=40))
    assert count_overdue_seconds(due_jobs) == 60, "it still waits for its first time"
    due_jobs.remove(["a", "unknown"])
    assert count_overdue_seconds(due_jobs) == 30
    due_jobs.clear()
    assert count_overdue_seconds(due_jobs) == 0


def test_job_of_the_future_is_not_overdue(due_jobs: DueJobs) -> None:
    """A host whose clock is ahead executes jobs before Postgres counts them as due."""
    due_jobs.add("a", NINE + 2 * MINUTE)

    assert count_overdue_seconds(due_jobs) == 0


def test_claim_settles_the_jobs_that_were_due_before_it(due_jobs: DueJobs) -> None:
    due_jobs.add("before", NINE)
    started_at = time.monotonic()
    while time.monotonic() == started_at:
        pass
    due_jobs.add("during", NINE)
    due_jobs.settle(NINE, started_at)

    assert not due_jobs.is_due("before", NINE)
    assert due_jobs.is_due("during", NINE)


def test_job_listed_long_after_a_claim_is_stuck_until_it_is_not_listed(due_jobs: DueJobs) -> None:
    due_jobs.settle(NINE + SETTLING_TIME, time.monotonic())
    assert due_jobs.claimed_at == NINE + SETTLING_TIME
    due_jobs.add_if_stuck("recent", NINE + timedelta(seconds=1), due_jobs.claimed_at)
    assert not due_jobs.has_stuck()
    due_jobs.add_if_stuck("stuck", NINE, due_jobs.claimed_at)
    due_jobs.settle(NINE + MINUTE, time.monotonic())
    assert due_jobs.has_stuck()
    assert count_overdue_seconds(due_jobs) == 60

    due_jobs.keep_listed({"stuck": NINE})
    assert due_jobs.has_stuck()
    due_jobs.keep_listed({"stuck": NINE + MINUTE})
    assert not due_jobs.has_stuck()


def test_jobs_that_are_no_longer_listed_are_not_due(due_jobs: DueJobs) -> None:
    due_jobs.add("kept", NINE)
    due_jobs.add("claimed", NINE)
    due_jobs.add("cancelled", NINE)
    due_jobs.keep_listed({"kept": NINE, "claimed": NINE + MINUTE})

    assert due_jobs.is_due("kept", NINE)
    assert not due_jobs.is_due("claimed", NINE)
    assert not due_jobs.is_due("cancelled", NINE)
