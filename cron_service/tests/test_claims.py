"""When claims are made, and what they say about the jobs that are due."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from pydantic import ValidationError
from redis.exceptions import RedisError

from cron_service.app.claims import Claims, ClaimTimings
from cron_service.app.dispatcher import DispatchResult
from cron_service.app.due_jobs import DueJobs
from cron_service.tests.running import drain_event_loop, run_loops
from smart_kit.errors import UpstreamUnavailable

pytestmark = pytest.mark.clock("virtual")

NINE = datetime(2031, 1, 1, 9, tzinfo=UTC)
UNAVAILABLE = UpstreamUnavailable("rest_service: connection refused")
NOTHING_PLANNED = DispatchResult(None, NINE)
TIMINGS = ClaimTimings(min_interval=0.2, max_interval=60, initial_backoff=1, max_backoff=4)


def planned_in(seconds: float) -> DispatchResult:
    return DispatchResult(timedelta(seconds=seconds), NINE)


class FakeDispatch:
    """Returns or raises the given results in order, then always the last one."""

    def __init__(self, *results: DispatchResult | Exception) -> None:
        self.times: list[float] = []
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self._results = list(results)
        self._started_at = asyncio.get_running_loop().time()

    async def __call__(self) -> DispatchResult:
        self.times.append(round(asyncio.get_running_loop().time() - self._started_at, 2))
        await self.may_finish.wait()
        result = self._results.pop(0) if len(self._results) > 1 else self._results[0]
        if isinstance(result, Exception):
            raise result
        return result


def make_claims(dispatch: FakeDispatch, due_jobs: DueJobs | None = None) -> Claims:
    return Claims(dispatch, due_jobs or DueJobs(), TIMINGS)


async def test_claims_come_at_the_start_and_each_minute() -> None:
    dispatch = FakeDispatch(NOTHING_PLANNED)
    async with run_loops(make_claims(dispatch).run):
        await asyncio.sleep(130)

    assert dispatch.times == [0, 60, 120]


async def test_next_claim_comes_at_the_next_fire_but_within_a_minute() -> None:
    dispatch = FakeDispatch(planned_in(0.5), planned_in(7), planned_in(8e9), NOTHING_PLANNED)
    async with run_loops(make_claims(dispatch).run):
        await asyncio.sleep(68)

    assert dispatch.times == [0, 0.5, 7.5, 67.5]


async def test_fires_of_a_fifth_of_a_second_share_a_claim() -> None:
    dispatch = FakeDispatch(*[planned_in(0.05)] * 3, NOTHING_PLANNED)
    async with run_loops(make_claims(dispatch).run):
        await asyncio.sleep(10)

    assert dispatch.times == [0, 0.2, 0.4, 0.6]


async def test_requests_of_a_fifth_of_a_second_share_a_claim() -> None:
    dispatch = FakeDispatch(NOTHING_PLANNED)
    claims = make_claims(dispatch)
    async with run_loops(claims.run):
        await asyncio.sleep(10)
        for _ in range(10):
            claims.request()
            await asyncio.sleep(0.03)

    assert dispatch.times == [0, 10, 10.2]


async def test_full_claim_is_followed_by_another_immediately() -> None:
    dispatch = FakeDispatch(DispatchResult(timedelta(), NINE, has_more=True), NOTHING_PLANNED)
    async with run_loops(make_claims(dispatch).run):
        await asyncio.sleep(1)

    assert dispatch.times == [0, 0]


@pytest.mark.parametrize(
    "error",
    [UNAVAILABLE, RedisError("away"), ValidationError.from_exception_data("BotIdentity", [])],
    ids=["rest_service", "redis", "not understood"],
)
async def test_claims_go_on_after_errors_with_growing_delays(error: Exception) -> None:
    dispatch = FakeDispatch(error, error, error, NOTHING_PLANNED)
    async with run_loops(make_claims(dispatch).run):
        await asyncio.sleep(10)

    gaps = [later - earlier for earlier, later in pairwise(dispatch.times)]
    for gap, longest in zip(gaps, (1, 2, 4), strict=True):
        assert 0.74 * longest <= gap <= longest


async def test_running_claim_is_finished_on_stop() -> None:
    due_jobs = DueJobs()
    due_jobs.add("a", NINE)
    dispatch = FakeDispatch(NOTHING_PLANNED)
    dispatch.may_finish.clear()
    async with run_loops(make_claims(dispatch, due_jobs).run) as stop:
        await drain_event_loop()
        stop.set()
        await asyncio.sleep(1)
        dispatch.may_finish.set()

    assert not due_jobs.is_due("a", NINE), "the result was handled"


@pytest.mark.parametrize(
    ("result", "still_due"),
    [
        pytest.param(NOTHING_PLANNED, [], id="all are claimed"),
        pytest.param(
            DispatchResult(timedelta(seconds=9), NINE, has_more=True, job_ids=frozenset({"a"})),
            ["b"],
            id="more are due",
        ),
        pytest.param(DispatchResult(timedelta(seconds=3)), [], id="no bot"),
        pytest.param(UNAVAILABLE, ["a", "b"], id="failed"),
    ],
)
async def test_result_of_a_claim_decides_which_jobs_stay_due(
    result: DispatchResult | Exception, still_due: list[str]
) -> None:
    due_jobs = DueJobs()
    for job_id in "ab":
        due_jobs.add(job_id, NINE)
    async with run_loops(make_claims(FakeDispatch(result), due_jobs).run):
        await drain_event_loop()

    assert [job_id for job_id in "ab" if due_jobs.is_due(job_id, NINE)] == still_due


async def test_stuck_job_is_not_due_any_more_once_it_is_dispatched() -> None:
    due_jobs = DueJobs()
    due_jobs.add_if_stuck("a", NINE, claimed_at=NINE + timedelta(minutes=1))
    results = NOTHING_PLANNED, DispatchResult(None, NINE, job_ids=frozenset({"a"}))
    claims = make_claims(FakeDispatch(*results), due_jobs)
    async with run_loops(claims.run):
        await drain_event_loop()
        assert due_jobs.has_stuck()
        claims.request()
        await asyncio.sleep(1)
        assert not due_jobs.has_stuck()


async def test_last_result_is_described() -> None:
    claims = make_claims(FakeDispatch(UNAVAILABLE, NOTHING_PLANNED))
    async with run_loops(claims.run):
        await drain_event_loop()
        assert claims.describe_last_result() == UNAVAILABLE.message
        await asyncio.sleep(2)
        assert claims.describe_last_result() == "claims succeed, but none returns it"
