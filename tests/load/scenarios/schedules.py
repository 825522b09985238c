"""Scenarios that measure schedules: each run exactly once, and claims that stay fast."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

import redis

from smart_kit.contracts.keys import ACTIVE_BOT_KEY
from smart_kit.contracts.queue import BotIdentity, Notification
from smart_kit.testing.run_cleanup import ROOT
from smart_kit.testing.suite_harness import SuiteHarness, wait_until
from tests.load.bench import Bench
from tests.load.figures import SUITE, percentile
from tests.load.machine import connect_postgres

_BOT_ID = 99
"""Not the bot of the suite, whose own cron_service leaves these jobs alone."""
_REDIS_DB = 1
"""Its queues have no consumer, so that all messages can be counted."""
_REPLICAS = 4
_KILL_INTERVAL_SECONDS = 0.2
_PEOPLE = 200
_FIRST_PERSON = 10**12
_START_SECONDS = 5
"""Time between the insertion of the jobs and the first fire."""

_INSERT_PEOPLE = """
    INSERT INTO users (id, telegram_id, first_name, role, status, is_invited, created_at,
        updated_at)
    SELECT gen_random_uuid(), %(first)s + number, 'Load', 'user', %(status)s, true, now(), now()
    FROM generate_series(1, %(people)s) number"""

_INSERT_JOBS = """
    INSERT INTO cron_jobs (id, user_id, type, name, text, at, cron_expression, timezone, chat_id,
        bot_id, priority, is_active, next_fire_at, created_at, updated_at)
    SELECT gen_random_uuid(), users.id, 'reminder', 'load', 'load ' || number,
        CASE WHEN number %% 5 > 0 THEN due END,
        CASE WHEN number %% 5 = 0 THEN '0 0 1 1 *' END,
        'UTC', users.telegram_id, %(bot)s, 'high', true, due, now(), now()
    FROM generate_series(0, %(jobs)s - 1) number
    JOIN users ON users.telegram_id = %(first)s + 1 + number %% %(people)s
    CROSS JOIN LATERAL (SELECT now() + %(delay)s * interval '1 second'
        + number * %(seconds)s::float / %(jobs)s * interval '1 second' AS due) due"""
"""One job in five recurs, each year."""


def measure_schedules(bench: Bench) -> None:
    """10,000 runs by four replicas of cron_service, one killed every 0.2 s."""
    jobs = bench.size(10_000, 1_000)
    for interval, rate in ((_KILL_INTERVAL_SECONDS, 100), (0.0, 330)):
        seconds = jobs / rate
        suffix = f", {rate}/s" + ("" if interval else ", none killed")
        with _scheduled_jobs(bench.suite.suite, jobs, seconds) as client:
            replicas = _run_replicas(bench.suite.suite, interval, seconds, jobs, client)
            _record_runs(bench, client, jobs, suffix)
        bench.record(SUITE, f"CPU of the replicas{suffix}", "ms/run", 1000 * replicas["cpu"] / jobs)
        if interval:
            bench.record(SUITE, "kills", "", replicas["kills"])


def measure_claims(bench: Bench) -> None:
    """Time of a claim with few and with many stored jobs, of which 100 or none are due."""
    few, many = bench.size((1_000, 1_000_000), (1_000, 20_000))
    waiting = bench.size(10_000, 1_000)
    medians: dict[str, list[float]] = {}
    for stored, blocked in ((few, 0), (many, 0), (many, waiting)):
        title = f"{stored:,} jobs" + (f", {blocked:,} of blocked users due" if blocked else "")
        with _stored_jobs(bench.suite.suite, stored, blocked):
            for name, took in _time_claims(bench.suite.suite).items():
                bench.record(SUITE, f"{name}, {title}", "ms", percentile(took, 50))
                medians.setdefault(name, []).append(percentile(took, 50))
    for name, (base, *others) in medians.items():
        for title, other in zip((f"{many:,}", "blocked users"), others, strict=True):
            bench.record(SUITE, f"{name}, {title} / {few:,}", "", other / base)


@contextmanager
def _scheduled_jobs(suite: SuiteHarness, jobs: int, seconds: float) -> "Iterator[redis.Redis]":
    """Insert jobs that become due one after the other; yield the Redis of the replicas."""
    client = redis.Redis(
        port=int(suite.environment["REDIS_PORT"]),
        password=suite.environment["REDIS_PASSWORD"],
        db=_REDIS_DB,
        decode_responses=True,
    )
    with client, closing(connect_postgres(suite)) as connection, connection.cursor() as cursor:
        client.set(ACTIVE_BOT_KEY, BotIdentity(id=_BOT_ID, username="load").model_dump_json())
        _insert(cursor, jobs, seconds=seconds)
        yield client
        _remove(cursor)
        client.flushdb()


@contextmanager
def _stored_jobs(suite: SuiteHarness, stored: int, blocked: int) -> Iterator[None]:
    """Store jobs that become due in a year, as many ended runs, and due jobs of blocked users,
    which wait."""
    with closing(connect_postgres(suite)) as connection, connection.cursor() as cursor:
        _insert(cursor, stored, delay=365 * 86_400, seconds=86_400)
        if blocked:
            first = 2 * _FIRST_PERSON
            _insert(
                cursor, blocked, delay=-86_400, seconds=3_600, first_person=first, status="blocked"
            )
        cursor.execute(
            "INSERT INTO cron_job_runs (id, job_id, scheduled_for, state, claimed_at)"
            " SELECT gen_random_uuid(), id, now() - interval '1 day', 'done', now()"
            " FROM cron_jobs WHERE bot_id = %s",
            (_BOT_ID,),
        )
        for statement in ("VACUUM ANALYZE cron_jobs", "VACUUM ANALYZE cron_job_runs", "CHECKPOINT"):
            cursor.execute(statement)
        yield
        _remove(cursor)


def _insert(
    cursor: Any,
    jobs: int,
    *,
    delay: float = _START_SECONDS,
    seconds: float,
    first_person: int = _FIRST_PERSON,
    status: str = "active",
) -> None:
    """Insert people and jobs, of which the first is due after the delay and the last `seconds`
    later."""
    facts = {"first": first_person, "people": _PEOPLE, "bot": _BOT_ID, "status": status}
    cursor.execute(_INSERT_PEOPLE, facts)
    cursor.execute(_INSERT_JOBS, facts | {"jobs": jobs, "delay": delay, "seconds": seconds})


def _remove(cursor: Any) -> None:
    cursor.execute("DELETE FROM cron_jobs WHERE bot_id = %s", (_BOT_ID,))
    cursor.execute("DELETE FROM users WHERE telegram_id > %s", (_FIRST_PERSON,))


def _run_replicas(
    suite: SuiteHarness, interval: float, seconds: float, jobs: int, client: "redis.Redis"
) -> dict[str, float]:
    """Run the replicas until all messages are in the queue, or for a minute longer than they
    should need."""
    command = [sys.executable, "-m", "tests.load.cron_replicas", str(_REPLICAS), str(interval)]
    environment = os.environ | suite.environment | {
        "REDIS_DB": str(_REDIS_DB),
        "REST_SERVICE_URL": suite.url("REST_SERVICE_PORT"),
        "LOG_LEVEL": "ERROR",
    }  # fmt: skip
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        deadline = time.monotonic() + _START_SECONDS + seconds
        time.sleep(_START_SECONDS + seconds)
        wait_until(
            lambda: _count_messages(client) >= jobs or time.monotonic() > deadline + 60, seconds=90
        )
        process.stdin.close()
        report: dict[str, float] = json.loads(process.stdout.read())
    return report


def _count_messages(client: "redis.Redis") -> int:
    return sum(client.llen(key) for key in client.scan_iter("queue:to_telegram:waiting:*", 1000))


def _record_runs(bench: Bench, client: "redis.Redis", jobs: int, suffix: str) -> None:
    """Compare the messages in the queue and the rows of the runs with the jobs."""
    messages = [
        Notification.model_validate_json(payload)
        for key in client.scan_iter("queue:to_telegram:waiting:*", 1000)
        for payload in client.lrange(key, 0, -1)
    ]
    with closing(connect_postgres(bench.suite.suite)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM cron_job_runs run JOIN cron_jobs job ON job.id = run.job_id"
            " WHERE bot_id = %s",
            (_BOT_ID,),
        )
        ((rows,),) = cursor.fetchall()
    late = [1000 * _compute_lateness(message) for message in messages]
    by_job = Counter(message.job_id for message in messages)
    faults = bench.figures.faults.setdefault(SUITE, Counter())
    faults["lost"] += jobs - len(by_job)
    faults["duplicated"] += sum(count - 1 for count in by_job.values())
    bench.record(SUITE, f"messages{suffix}", "", len(messages))
    bench.record(SUITE, f"rows of runs{suffix}", "", rows)
    for percent in (50, 99, 100):
        bench.record(SUITE, f"lateness p{percent}{suffix}", "ms", percentile(late, percent))


def _compute_lateness(message: Notification) -> float:
    return (message.created_at - message.scheduled_for).total_seconds()


def _time_claims(suite: SuiteHarness) -> dict[str, list[float]]:
    """Return the milliseconds of claims and lists by kind."""
    took: dict[str, list[float]] = {}
    headers = {"Authorization": f"Bearer {suite.environment['SERVICE_API_TOKEN']}"}
    with (
        suite.make_admin_client() as admin,
        closing(connect_postgres(suite)) as connection,
        connection.cursor() as cursor,
    ):
        for _ in range(10):
            _make_due(cursor, 100)
            body = _time(took, "claim of 100 due runs", lambda: _claim(admin, headers))
            ids = [run["id"] for run in body["runs"]]
            assert len(ids) == 100
            admin.post("/cron-jobs/dispatched", json={"run_ids": ids}).raise_for_status()
            _time(took, "claim without due runs", lambda: _claim(admin, headers))
            _time(took, "list of due jobs", lambda: _list_due(admin, headers))
    return took


def _time(took: dict[str, list[float]], name: str, action: Any) -> Any:
    begin = time.monotonic()
    result = action()
    took.setdefault(name, []).append(1000 * (time.monotonic() - begin))
    return result


def _claim(admin: Any, headers: dict[str, str]) -> Any:
    params = {"bot_id": _BOT_ID}
    answer = admin.post("/cron-jobs/claim", params=params, headers=headers)
    return answer.raise_for_status().json()


def _list_due(admin: Any, headers: dict[str, str]) -> Any:
    params = {"bot_id": _BOT_ID, "due_before": datetime.now().astimezone().isoformat()}
    return admin.get("/cron-jobs", params=params, headers=headers).raise_for_status().json()


def _make_due(cursor: Any, count: int) -> None:
    cursor.execute(
        "UPDATE cron_jobs SET next_fire_at = now() - random() * interval '1 second' WHERE id IN"
        " (SELECT id FROM cron_jobs WHERE bot_id = %s AND is_active ORDER BY next_fire_at DESC"
        " LIMIT %s)",
        (_BOT_ID, count),
    )
