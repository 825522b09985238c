"""What APScheduler uses in place of its own triggers and executors."""

from datetime import datetime

import structlog
from apscheduler.executors.base import BaseExecutor
from apscheduler.job import Job
from apscheduler.triggers.base import BaseTrigger

from smart_kit.clock import Clock
from smart_kit.schedule import Schedule

log = structlog.stdlib.get_logger()


class ScheduleTrigger(BaseTrigger):  # type: ignore[misc] # APScheduler has no types
    """Fires at the times of a schedule.

    APScheduler's own CronTrigger is not cron: 0 is Monday, both day fields must match, and clock
    changes skip or repeat fires.
    """

    def __init__(self, schedule: Schedule, clock: Clock) -> None:
        self._schedule = schedule
        self._clock = clock

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """Return the first fire after both real times, in real time; None if there is none.

        None, too, if it cannot be computed: an exception would stop all jobs of APScheduler.
        """
        after = now if previous_fire_time is None else max(previous_fire_time, now)
        try:
            fire = self._schedule.get_next_fire(after + self._clock.offset)
        except Exception:
            log.exception("next fire unknown", schedule=str(self._schedule))
            return None
        return None if fire is None else fire - self._clock.offset


class InlineExecutor(BaseExecutor):  # type: ignore[misc] # APScheduler has no types
    """Calls a job's function in the event loop with its id and its time.

    APScheduler's own executors use a thread or a task for each job, and drop those that are late.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def submit_job(self, job: Job, run_times: list[datetime]) -> None:
        """Call the function, which must not block. APScheduler logs its errors."""
        # job.args have the first time of a recurring job only
        job.func(job.id, run_times[-1] + self._clock.offset)

    _do_submit_job = submit_job
