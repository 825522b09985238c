"""Jobs and their runs, written directly into Postgres as the suite would have stored them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

from smart_kit.testing.suite_harness import SuiteHarness
from tests.load.machine import connect_postgres

BOT_ID = 99
"""Not the bot of the suite, so that its own cron_service leaves these jobs alone."""
_PEOPLE = 200
_FIRST_PERSON = 10**12

_INSERT_PEOPLE = """
    INSERT INTO users (id, telegram_id, first_name, role, status, is_invited, created_at,
        updated_at)
    SELECT gen_random_uuid(), %(first)s + number, 'Load', 'user', %(status)s, true, now(), now()
    FROM generate_series(1, %(people)s) number"""

_INSERT_JOBS = """
    INSERT INTO cron_jobs (id, user_id, type, name, text, at, cron_expression, timezone, chat_id,
        bot_id, priority, is_active, next_fire_at, created_at, updated_at)
    SELECT gen_random_uuid(), users.id, 'reminder', 'Stretch', 'Stretch ' || number,
        CASE WHEN number %% 5 > 0 THEN due END,
        CASE WHEN number %% 5 = 0 THEN '0 0 1 1 *' END,
        'UTC', users.telegram_id, %(bot)s, 'high', true, due, now(), now()
    FROM generate_series(0, %(jobs)s - 1) number
    JOIN users ON users.telegram_id = %(first)s + 1 + number %% %(people)s
    CROSS JOIN LATERAL (SELECT now() + %(delay)s * interval '1 second'
        + number * %(seconds)s::float / %(jobs)s * interval '1 second' AS due) due"""
"""One job in five recurs: it fires each year. Cron knows only whole minutes, so the first time is
not its own: thousands of jobs of one second would measure how long they take, not how late one is.
"""

_INSERT_RUNS = """
    INSERT INTO cron_job_runs (id, job_id, scheduled_for, state, claimed_at, dispatched_at, done_at)
    SELECT gen_random_uuid(), id, past, 'done', past, past, past
    FROM cron_jobs, (SELECT now() - interval '1 day' AS past) past"""


class StoredJobs:
    """The jobs of a benchmark in the database of a suite. All belong to the bot BOT_ID."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._next_person = _FIRST_PERSON

    def insert(
        self, jobs: int, *, first_due_in: float, seconds: float, status: str = "active"
    ) -> None:
        """Insert jobs of 200 people, which become due one after the other for some seconds."""
        facts = {"first": self._next_person, "people": _PEOPLE, "status": status, "bot": BOT_ID}
        times = {"jobs": jobs, "delay": first_due_in, "seconds": seconds}
        self._next_person += _PEOPLE
        self._cursor.execute(_INSERT_PEOPLE, facts)
        self._cursor.execute(_INSERT_JOBS, facts | times)

    def insert_ended_runs(self) -> None:
        """Insert an ended run of each job."""
        self._cursor.execute(_INSERT_RUNS)

    def vacuum(self) -> None:
        """Do what autovacuum would otherwise do while something is measured."""
        for table in ("users", "cron_jobs", "cron_job_runs"):
            self._cursor.execute(f"VACUUM ANALYZE {table}")
        self._cursor.execute("CHECKPOINT")

    def choose(self, count: int) -> list[str]:
        """Return the ids of some jobs of people who are not blocked."""
        rows = self._fetch(
            "SELECT cron_jobs.id::text FROM cron_jobs JOIN users ON users.id = user_id"
            f" WHERE status = 'active' LIMIT {count}"
        )
        return [job_id for (job_id,) in rows]

    def make_due(self, job_ids: list[str]) -> None:
        """Let jobs become due now, which is not the time of an earlier run."""
        self._cursor.execute(
            "UPDATE cron_jobs SET is_active = true, next_fire_at = now()"
            " WHERE id = ANY(%s::uuid[])",
            (job_ids,),
        )

    def fetch_fires(self) -> list[tuple[str, datetime]]:
        """Return the id and the next fire of each active job."""
        return self._fetch("SELECT id::text, next_fire_at FROM cron_jobs WHERE is_active")

    def fetch_runs(self) -> list[tuple[str, datetime]]:
        """Return the job id and the time of each run that is in its queue or was missed."""
        return self._fetch(
            "SELECT job_id::text, scheduled_for FROM cron_job_runs WHERE state <> 'claimed'"
        )

    def count_dispatched(self) -> int:
        """Return the number of runs that are in their queue."""
        ((count,),) = self._fetch("SELECT count(*) FROM cron_job_runs WHERE state = 'dispatched'")
        return int(count)

    def clear(self) -> None:
        """Delete all jobs of the suite, and the people who were inserted."""
        self._cursor.execute("TRUNCATE cron_jobs CASCADE")
        self._cursor.execute("DELETE FROM users WHERE telegram_id > %s", (_FIRST_PERSON,))

    def _fetch(self, statement: str) -> list[Any]:
        self._cursor.execute(statement)
        rows: list[Any] = self._cursor.fetchall()
        return rows


@contextmanager
def storing_jobs(suite: SuiteHarness) -> Iterator[StoredJobs]:
    """Delete the jobs afterwards."""
    with closing(connect_postgres(suite)) as connection, connection.cursor() as cursor:
        jobs = StoredJobs(cursor)
        try:
            yield jobs
        finally:
            jobs.clear()
