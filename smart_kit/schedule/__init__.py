"""Fire times of recurring jobs: the only code that computes them.

`local_time` converts the times of one-off jobs.
"""

from .base import Schedule
from .cron import CronSchedule
from .rrule import RruleSchedule

__all__ = ["CronSchedule", "RruleSchedule", "Schedule"]
