"""The line under an answer that says what was done, from the facts and not from the model."""

from datetime import datetime
from typing import get_args
from zoneinfo import ZoneInfo

import structlog
from pydantic import ValidationError

from smart_kit.contracts.base import Contract, UtcDatetime
from smart_kit.contracts.cron_jobs import CronJobType
from smart_kit.contracts.effects import EffectKind, EffectRead
from smart_kit.settings import Language, TimeZoneName

from .moments import format_moment
from .recurrence import describe_recurrence
from .translations import N_, Translation

EFFECT_KINDS: tuple[EffectKind, ...] = get_args(EffectKind)

_LONGEST_TEXT = 80

_WORDS: dict[tuple[EffectKind, CronJobType], str] = {
    ("reminder_created", "reminder"): N_("Reminder"),
    ("reminder_changed", "reminder"): N_("Reminder changed"),
    ("reminder_cancelled", "reminder"): N_("Reminder cancelled"),
    ("reminder_created", "prompt"): N_("Scheduled request"),
    ("reminder_changed", "prompt"): N_("Scheduled request changed"),
    ("reminder_cancelled", "prompt"): N_("Scheduled request cancelled"),
}

log = structlog.stdlib.get_logger()


class _Job(Contract):
    """What a receipt needs of a cron job; the rest of it may change."""

    type: CronJobType = "reminder"
    text: str
    at: UtcDatetime | None = None
    next_fire_at: UtcDatetime | None = None
    cron_expression: str | None = None
    timezone: TimeZoneName = "UTC"


def describe_effect(
    effect: EffectRead, words: Translation, language: Language, now: datetime
) -> str:
    """One line, like "✓ Reminder: Fri 27 Nov 09:00 Europe/Berlin, weekly — call Anna"."""
    try:
        job = _Job.model_validate(effect.after or effect.before)
    except ValidationError:
        log.error("effect cannot be read", effect=str(effect.id), kind=effect.kind)
        return f"✓ {words.gettext(_WORDS[effect.kind, 'reminder'])}"
    parts = [_when(job, language, now)]
    if job.cron_expression:
        parts.append(describe_recurrence(job.cron_expression, words))
    when = ", ".join(filter(None, parts))
    what = words.gettext(_WORDS[effect.kind, job.type])
    return f"✓ {what}: {when} — {_short(job.text)}" if when else f"✓ {what}: {_short(job.text)}"


def _when(job: _Job, language: Language, now: datetime) -> str:
    moment = job.next_fire_at or job.at
    if moment is None:
        return ""
    return f"{format_moment(moment, ZoneInfo(job.timezone), language, now)} {job.timezone}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_TEXT else f"{line[: _LONGEST_TEXT - 1].rstrip()}…"
