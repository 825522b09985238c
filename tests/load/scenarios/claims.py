"""Scenario of claims among few and many stored jobs."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from statistics import median
from typing import Any, NamedTuple

import httpx2

from smart_kit.contracts.base import utc_now
from smart_kit.testing.suite_harness import SuiteHarness
from tests.load.bench import Bench
from tests.load.figures import SUITE, percentile
from tests.load.scenarios.stored_jobs import BOT_ID, StoredJobs, storing_jobs

_DUE_JOBS = 100
_LOOKAHEAD = timedelta(minutes=2)
_DAY_SECONDS = 86_400.0

Samples = Iterator[tuple[str, float]]
"""What was measured, and its milliseconds."""


class ClaimSizes(NamedTuple):
    """The sizes of the scenario."""

    few: int
    many: int
    waiting: int
    """Due jobs of blocked users, in addition to the many."""
    rounds: int
    """Measurements of which the median counts."""

    def list_cases(self) -> list[tuple[str, int, int]]:
        """Return the title of each case, its jobs that are not due, and those that wait."""
        few = (f"{self.few:,} jobs", self.few, 0)
        many = f"{self.many:,} jobs"
        with_waiting = f"{many}, {self.waiting:,} of blocked users due"
        # twice, because the speed of the machine changes meanwhile
        return [few, (many, self.many, 0), (with_waiting, self.many, self.waiting), few]


FULL = ClaimSizes(few=1_000, many=1_000_000, waiting=10_000, rounds=30)
QUICK = ClaimSizes(few=1_000, many=100_000, waiting=1_000, rounds=10)


def measure_claims(bench: Bench) -> None:
    """Claims and lists by one caller, with 1,000 and with 1,000,000 stored jobs and ended runs."""
    sizes = bench.size(FULL, QUICK)
    medians: defaultdict[str, dict[str, list[float]]] = defaultdict(dict)
    with bench.other_suite() as system, _make_client(system.suite) as http:
        for title, stored, waiting in sizes.list_cases():
            with storing_jobs(system.suite) as jobs:
                _store(jobs, stored, waiting)
                for _ in range(bench.runs):
                    for action, took in _measure_medians(http, jobs, sizes.rounds):
                        bench.record(SUITE, f"{action}, {title}", "ms", took)
                        medians[action].setdefault(title, []).append(took)
    for action, by_title in medians.items():
        (base, *others) = by_title
        for title in others:
            ratio = median(by_title[title]) / median(by_title[base])
            bench.record(SUITE, f"{action}, {title} / {base}", "", ratio)


def _make_client(suite: SuiteHarness) -> httpx2.Client:
    """Return a client of rest_service that has the token of cron_service."""
    client = suite.make_admin_client()
    client.headers["Authorization"] = f"Bearer {suite.environment['SERVICE_API_TOKEN']}"
    return client


def _store(jobs: StoredJobs, stored: int, waiting: int) -> None:
    """Store jobs that are due in a year, ended runs of them, and jobs that wait since yesterday."""
    jobs.insert(stored, first_due_in=365 * _DAY_SECONDS, seconds=_DAY_SECONDS)
    jobs.insert_ended_runs()
    if waiting:
        jobs.insert(waiting, first_due_in=-_DAY_SECONDS, seconds=3_600, status="blocked")
    jobs.vacuum()


def _measure_medians(http: httpx2.Client, jobs: StoredJobs, rounds: int) -> Samples:
    """Yield the median of some rounds for each action."""
    took: defaultdict[str, list[float]] = defaultdict(list)
    due = jobs.choose(_DUE_JOBS)
    for _ in range(rounds):
        jobs.make_due(due)
        for action, milliseconds in _measure_round(http):
            took[action].append(milliseconds)
    for action, values in took.items():
        yield action, percentile(values, 50)


def _measure_round(http: httpx2.Client) -> Samples:
    """List and claim the due jobs, and claim once more."""
    listed, took = _time(lambda: _list_due(http))
    assert len(listed["items"]) == _DUE_JOBS
    yield f"list of {_DUE_JOBS} jobs", took
    claim, took = _time(lambda: _claim(http))
    runs = [run["id"] for run in claim["runs"]]
    assert len(runs) == _DUE_JOBS
    yield f"claim of {_DUE_JOBS} jobs", took
    http.post("/cron-jobs/dispatched", json={"run_ids": runs}).raise_for_status()
    claim, took = _time(lambda: _claim(http))
    assert claim["runs"] == []
    yield "claim without due jobs", took


def _time(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result and the milliseconds of a call."""
    begin = time.monotonic()
    result = call()
    return result, 1000 * (time.monotonic() - begin)


def _list_due(http: httpx2.Client) -> Any:
    due_before = (utc_now() + _LOOKAHEAD).isoformat()
    query = httpx2.QueryParams(bot_id=BOT_ID, due_before=due_before, limit=1_000)
    return http.get("/cron-jobs", params=query).raise_for_status().json()


def _claim(http: httpx2.Client) -> Any:
    return http.post("/cron-jobs/claim", params={"bot_id": BOT_ID}).raise_for_status().json()
