"""Receipts of reminders and scheduled requests."""

from zoneinfo import ZoneInfo

from smart_kit.contracts.base import Contract, UtcDatetime
from smart_kit.contracts.cron_jobs import CronJobType
from smart_kit.contracts.effects import EffectKind, EffectRead
from smart_kit.settings import TimeZoneName

from ..moments import format_moment
from ..recurrence import describe_recurrence
from ..translations import N_
from .reader import Reader, shorten

JOB_WORDS: dict[tuple[EffectKind, CronJobType], str] = {
    ("reminder_created", "reminder"): N_("Reminder"),
    ("reminder_changed", "reminder"): N_("Reminder changed"),
    ("reminder_cancelled", "reminder"): N_("Reminder cancelled"),
    ("reminder_created", "prompt"): N_("Scheduled request"),
    ("reminder_changed", "prompt"): N_("Scheduled request changed"),
    ("reminder_cancelled", "prompt"): N_("Scheduled request cancelled"),
}
JOB_UNDO_WORDS: dict[tuple[EffectKind, CronJobType], str] = {
    ("reminder_created", "reminder"): N_("Reminder restored"),
    ("reminder_changed", "reminder"): N_("Reminder changed back"),
    ("reminder_cancelled", "reminder"): N_("Reminder taken back"),
    ("reminder_created", "prompt"): N_("Scheduled request restored"),
    ("reminder_changed", "prompt"): N_("Scheduled request changed back"),
    ("reminder_cancelled", "prompt"): N_("Scheduled request taken back"),
}
"""Of an effect that takes another back."""


class _Job(Contract):
    """What a receipt needs of a cron job; the rest of it may change."""

    type: CronJobType = "reminder"
    text: str
    at: UtcDatetime | None = None
    next_fire_at: UtcDatetime | None = None
    cron_expression: str | None = None
    timezone: TimeZoneName = "UTC"


def describe_job(effect: EffectRead, reader: Reader) -> str:
    """Like "Reminder: Fri 27 Nov 09:00 Europe/Berlin, weekly — call Anna".

    Raises ValidationError where the facts cannot be read.
    """
    job = _Job.model_validate(effect.after or effect.before)
    parts = [_when(job, reader)]
    if job.cron_expression:
        parts.append(describe_recurrence(job.cron_expression, reader.words))
    when = ", ".join(filter(None, parts))
    names = JOB_WORDS if effect.undoes is None else JOB_UNDO_WORDS
    what = reader.words.gettext(names[effect.kind, job.type])
    return f"{what}: {when} — {shorten(job.text)}" if when else f"{what}: {shorten(job.text)}"


def _when(job: _Job, reader: Reader) -> str:
    moment = job.next_fire_at or job.at
    if moment is None:
        return ""
    zone = ZoneInfo(job.timezone)
    return f"{format_moment(moment, zone, reader.language, reader.now)} {job.timezone}"
