"""What a call means: two calls that do the same are equal, however their arguments say it."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

from sandbox.llm.prompt_parsing import ToolCall
from smart_kit import local_time
from smart_kit.contracts.builtin_functions import (
    ChangeReminderArguments,
    ChangeSettingsArguments,
    ChangeTaskArguments,
    CreateReminderArguments,
    CreateTaskArguments,
    ReminderTimes,
)
from smart_kit.places import find_zone
from smart_kit.schedule import CronSchedule, RruleSchedule
from tests.contracts.phrases.corpus import Phrase, parse_arguments

_COMPARED_FIRES = 10
_END_OF_DAY = time(23, 59)

Meaning = tuple[object, ...]


def find_meaning(phrase: Phrase, call: ToolCall) -> Meaning:
    """Return what counts of a call: when a reminder fires, which zone a place has, and so on.

    Texts and titles may differ. Raises ValidationError and InvalidRequest as the tools would.
    """
    match parse_arguments(call):
        case CreateReminderArguments() as given:
            return call.name, given.prompt, list_fires(phrase, given)
        case ChangeReminderArguments() as given:
            return call.name, given.id, given.text is None, list_fires(phrase, given)
        case ChangeSettingsArguments() as given:
            return call.name, given.language, given.place and find_zone(given.place)
        case CreateTaskArguments() as given:
            return call.name, given.priority or "normal", _find_deadline(phrase, given.due)
        case ChangeTaskArguments() as given:
            due = _find_deadline(phrase, given.due)
            return call.name, given.id, given.status, given.priority, due
        case given:
            return call.name, given


def list_fires(phrase: Phrase, given: ReminderTimes) -> list[datetime]:
    """Return the first times at which a reminder fires, in UTC. Raises InvalidRequest."""
    now = phrase.now.astimezone(UTC)
    if given.in_seconds is not None:
        return [now + timedelta(seconds=given.in_seconds)]
    if given.cron is None and given.rrule is None:
        return [local_time.to_utc(given.at, phrase.zone)] if given.at else []
    schedule = _build_schedule(phrase, given)
    schedule.check(now)
    return list(islice(schedule.iter_fires(now), _COMPARED_FIRES))


def _build_schedule(phrase: Phrase, given: ReminderTimes) -> CronSchedule | RruleSchedule:
    if given.cron is not None:
        return CronSchedule(given.cron, phrase.zone)
    assert given.rrule is not None, "a recurring reminder has a cron line or a rule"
    assert given.at is not None, "a rule has its first time"
    start = local_time.to_utc(given.at, phrase.zone).astimezone(phrase.now.tzinfo)
    return RruleSchedule(given.rrule, start.replace(tzinfo=None), phrase.zone)


def _find_deadline(phrase: Phrase, due: datetime | date | None) -> datetime | None:
    """Return the instant of a due date, which ends with its day."""
    if due is None:
        return None
    moment = due if isinstance(due, datetime) else datetime.combine(due, _END_OF_DAY)
    return local_time.to_utc(moment, phrase.zone)
