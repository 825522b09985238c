"""The benchmark of schedules, without its systems."""

import os
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from smart_kit.contracts.queue import Notification
from tests.load import cron_replicas
from tests.load.scenarios.schedule_outcome import Run, ScheduleOutcome

DUE = datetime(2026, 3, 1, 9, tzinfo=UTC)


def build_message(job_id: UUID, late_seconds: float = 0.0) -> Notification:
    return Notification(
        id=f"run:{uuid4()}",
        conversation="tg:99:1",
        chat_id=1,
        correlation_id="1",
        created_at=DUE + timedelta(seconds=late_seconds),
        run_id=uuid4(),
        job_id=job_id,
        text="Stretch",
        scheduled_for=DUE,
        timezone="UTC",
    )


def build_outcome(
    expected: list[UUID], stored: list[UUID], messages: list[Notification]
) -> ScheduleOutcome:
    def count(jobs: list[UUID]) -> Counter[Run]:
        return Counter((str(job), DUE) for job in jobs)

    return ScheduleOutcome(count(expected), count(stored), messages, kills=0, cpu={})


def test_missing_and_doubled_runs_are_counted() -> None:
    one, two, three = uuid4(), uuid4(), uuid4()
    jobs = [one, two]
    messages = [build_message(one), build_message(two)]
    cases = {
        "all is well": build_outcome(jobs, jobs, messages),
        "no message": build_outcome(jobs, jobs, messages[:1]),
        "no row": build_outcome(jobs, [one], messages),
        "two messages": build_outcome(jobs, jobs, [*messages, build_message(one)]),
        "a message instead of another": build_outcome(
            jobs, jobs, [build_message(one), build_message(one)]
        ),
        "a run that nobody expected": build_outcome(jobs, [*jobs, three], messages),
    }
    found = {name: (outcome.missing, outcome.doubled) for name, outcome in cases.items()}
    assert found == {
        "all is well": (0, 0),
        "no message": (1, 0),
        "no row": (1, 0),
        "two messages": (0, 1),
        "a message instead of another": (1, 1),
        "a run that nobody expected": (0, 1),
    }


def test_lateness_is_that_of_the_message_in_the_queue() -> None:
    job = uuid4()
    outcome = build_outcome([job], [job], [build_message(job, late_seconds=0.25)])
    assert outcome.lateness_ms == [250.0]


def test_a_replica_that_ended_by_itself_fails_the_scenario() -> None:
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(AssertionError, match="ended by itself"):
            cron_replicas.kill(process.pid)
        process.returncode = 0  # it is reaped
