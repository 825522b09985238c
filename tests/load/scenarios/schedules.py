"""Scenario of reminders that come exactly once and soon, although replicas are killed."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import IO, NamedTuple

import redis

from smart_kit.contracts.keys import ACTIVE_BOT_KEY
from smart_kit.contracts.queue import BotIdentity, Notification
from smart_kit.testing.run_cleanup import ROOT
from smart_kit.testing.suite_harness import SuiteHarness, wait_until
from tests.load.bench import Bench
from tests.load.figures import SUITE, percentile
from tests.load.process_usage import ProcessGroups, subtract
from tests.load.scenarios.schedule_outcome import ScheduleOutcome
from tests.load.scenarios.stored_jobs import BOT_ID, StoredJobs, storing_jobs

_REPLICAS = "cron_service replicas"
_KINDS = (_REPLICAS, "rest_service", "postgres", "redis")
"""Whose CPU time is shown. The total includes that of the others, which have nothing to do."""
_REPLICA_COUNT = 4
_PATIENCE_SECONDS = 60.0
_REDIS_DB = 1
"""The queues in it have no consumer, so that all messages can be counted."""


class ScheduleLoad(NamedTuple):
    """How many jobs become due, within how many seconds."""

    jobs: int
    seconds: float
    kill_intervals: tuple[float, ...]
    """The load is run once for each. 0: no replica is killed."""
    first_due_in: float = 2.0
    """Seconds from the insertion of the jobs to the first fire."""


FULL = ScheduleLoad(10_000, 30.0, (0.2, 0.0))
QUICK = ScheduleLoad(1_000, 10.0, (0.2,))


def measure_schedules(bench: Bench) -> None:
    """10,000 reminders in 30 s, four replicas of cron_service, one killed every 0.2 s."""
    load = bench.size(FULL, QUICK)
    for _ in range(bench.runs):
        for kill_interval in load.kill_intervals:
            outcome = _run_load(bench.suite.suite, bench.suite.groups, load, kill_interval)
            _record(bench, outcome, "" if kill_interval else ", none killed")


def _run_load(
    suite: SuiteHarness, groups: ProcessGroups, load: ScheduleLoad, kill_interval: float
) -> ScheduleOutcome:
    """Run the replicas until all runs are reported, or for a minute longer than the load."""
    with (
        _connect_redis(suite) as client,
        storing_jobs(suite) as jobs,
        _start_replicas(suite, kill_interval) as process,
    ):
        groups = replace(groups, roots={**groups.roots, process.pid: _REPLICAS})
        jobs.insert(load.jobs, first_due_in=load.first_due_in, seconds=load.seconds)
        jobs.vacuum()
        expected = Counter(jobs.fetch_fires())
        before = groups.measure_cpu()
        _write_line(process.stdin)
        _wait_for_runs(jobs, load)
        cpu = subtract(groups.measure_cpu(), before)
        kills = int(_end(process))
        stored, messages = Counter(jobs.fetch_runs()), _read_queue(client)
        return ScheduleOutcome(expected, stored, messages, kills, cpu)


@contextmanager
def _connect_redis(suite: SuiteHarness) -> "Iterator[redis.Redis]":
    """Yield a client of the replicas' database, which says that the bot BOT_ID is active."""
    with redis.Redis(
        port=int(suite.environment["REDIS_PORT"]),
        password=suite.environment["REDIS_PASSWORD"],
        db=_REDIS_DB,
        decode_responses=True,
    ) as client:
        client.set(ACTIVE_BOT_KEY, BotIdentity(id=BOT_ID, username="load").model_dump_json())
        try:
            yield client
        finally:
            client.flushdb()


@contextmanager
def _start_replicas(suite: SuiteHarness, kill_interval: float) -> "Iterator[subprocess.Popen[str]]":
    """Start the process of the replicas, which waits for a line. Its end is the replicas' end."""
    arguments = ("-m", "tests.load.cron_replicas", str(_REPLICA_COUNT), str(kill_interval))
    environment = os.environ | suite.environment
    environment |= {"REDIS_DB": str(_REDIS_DB), "REST_SERVICE_URL": suite.url("REST_SERVICE_PORT")}
    with subprocess.Popen(
        (sys.executable, *arguments),
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


def _write_line(stream: "IO[str] | None") -> None:
    assert stream is not None
    stream.write("start\n")
    stream.flush()


def _end(process: "subprocess.Popen[str]") -> str:
    output, _ = process.communicate()
    assert process.returncode == 0
    return output


def _wait_for_runs(jobs: StoredJobs, load: ScheduleLoad) -> None:
    seconds = load.first_due_in + load.seconds
    deadline = time.monotonic() + seconds + _PATIENCE_SECONDS
    time.sleep(seconds)
    wait_until(
        lambda: jobs.count_dispatched() >= load.jobs or time.monotonic() > deadline,
        seconds=2 * _PATIENCE_SECONDS,
    )


def _read_queue(client: "redis.Redis") -> list[Notification]:
    return [
        Notification.model_validate_json(payload)
        for key in client.scan_iter("queue:to_telegram:waiting:*", 1_000)
        for payload in client.lrange(key, 0, -1)
    ]


def _record(bench: Bench, outcome: ScheduleOutcome, suffix: str) -> None:
    """Record the figures of a load. Missing and doubled runs are faults."""
    count = outcome.expected.total()
    missing, doubled = outcome.missing, outcome.doubled
    faults = bench.figures.faults.setdefault(SUITE, Counter())
    faults.update({"lost": missing, "duplicated": doubled})
    counts = {"runs": count, "missing": missing, "doubled": doubled, "kills": outcome.kills}
    for name, value in counts.items():
        bench.record(SUITE, f"{name}{suffix}", "", value)
    for name, percent in (("p50", 50), ("p99", 99), ("max", 100)):
        late = percentile(outcome.lateness_ms, percent)
        bench.record(SUITE, f"lateness {name}{suffix}", "ms", late)
    bench.record(SUITE, f"CPU{suffix}", "ms/run", 1000 * sum(outcome.cpu.values()) / count)
    for kind in _KINDS:
        took = 1000 * outcome.cpu[kind] / count
        bench.record(SUITE, f"{kind}{suffix}", "ms/run", took, is_part=True)
