"""Reminders and scheduled prompts."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from smart_kit.contracts.base import (
    Contract,
    LocalDatetime,
    Name,
    RecordRead,
    RequestBody,
    UtcDatetime,
    ZonedOrLocalTime,
)
from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.examples import EXAMPLE_IDS, example_config
from smart_kit.contracts.queue import NotificationPriority
from smart_kit.settings import TimeZoneName

CronJobType = Literal["reminder", "prompt"]
RunState = Literal["claimed", "dispatched", "done", "missed", "failed"]
JobText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
CronExpression = Annotated[str, StringConstraints(max_length=255)]
RecurrenceRule = Annotated[str, StringConstraints(max_length=255)]

BotId = Annotated[
    int,
    Field(
        ge=0, lt=2**52, description="Id of a Telegram bot: the part of its token before the colon"
    ),
]


class CronJobCreate(RequestBody):
    """A new job: once (`at`), by cron (`cron_expression`), or by a rule that counts from its start
    (`rrule` with `at`)."""

    model_config = example_config(
        user_id=EXAMPLE_IDS["users"], text="Stretch", cron_expression="0 9 * * 1-5"
    )

    user_id: UUID
    type: CronJobType = "reminder"
    name: Name | None = Field(None, description="null: the beginning of the text")
    text: JobText
    at: ZonedOrLocalTime | None = None
    local_at: LocalDatetime | None = Field(None, description="The same as `at` without an offset")
    cron_expression: CronExpression | None = Field(None, examples=["0 9 * * 1-5"])
    rrule: RecurrenceRule | None = Field(
        None,
        description="A recurrence rule of RFC 5545 without DTSTART, for what cron cannot say",
        examples=["FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"],
    )
    timezone: TimeZoneName | None = Field(None, description="null: the user's time zone")
    chat_id: int | None = Field(None, gt=-(2**52), lt=2**52)
    """null: the user's private chat."""
    priority: NotificationPriority = "high"
    """high: the reminder makes a sound; low: it arrives silently."""
    is_active: bool = True


class CronJobUpdate(RequestBody):
    """The fields to change. Omitted fields keep their values."""

    model_config = example_config(at="2031-11-27T09:00:00")

    name: Name | None = None
    text: JobText | None = None
    at: ZonedOrLocalTime | None = None
    local_at: LocalDatetime | None = None
    cron_expression: CronExpression | None = None
    rrule: RecurrenceRule | None = None
    timezone: TimeZoneName | None = None
    priority: NotificationPriority | None = None
    is_active: bool | None = None
    bot_id: BotId | None = None
    """The bot that delivers it; null: the current bot."""


class CronJobRead(RecordRead):
    """A reminder or a scheduled prompt."""

    user_id: UUID
    type: CronJobType
    name: str
    text: str
    at: UtcDatetime | None
    """When a one-off fires, or the start of a rule."""
    local_at: datetime | None = None
    """The local time that `at` stands for; null: `at` is an instant, whatever the time zone."""
    cron_expression: str | None
    rrule: str | None = None
    timezone: str
    chat_id: int
    bot_id: int | None = None
    """The bot it was created with, the only one that delivers it; null: any."""
    priority: NotificationPriority
    is_active: bool
    next_fire_at: UtcDatetime | None
    last_fired_at: UtcDatetime | None = None
    """The newest time at which it has fired."""
    effect: EffectRead | None = None
    """The receipt, if the request had an Idempotency-Key."""


class CronJobRunRead(Contract):
    """One run of a job."""

    id: UUID
    job_id: UUID
    scheduled_for: UtcDatetime
    state: RunState
    reason: str | None = None
    """Why the run was missed or failed."""
    missed_count: int = 0
    """Earlier times of the job that were missed and are reported with this run."""
    first_missed_at: UtcDatetime | None = None
    """The first of them."""
    acknowledged_at: UtcDatetime | None = None
    """When the user pressed Done."""
    snoozed_job_id: UUID | None = None
    """The reminder that a button under this one created."""
    claimed_at: UtcDatetime
    dispatched_at: UtcDatetime | None
    done_at: UtcDatetime | None


class ClaimedRun(Contract):
    """A run to dispatch, with the data for its queue message."""

    id: UUID
    job_id: UUID
    type: CronJobType
    text: str
    chat_id: int
    telegram_id: int
    language_code: str | None
    timezone: str
    priority: NotificationPriority
    scheduled_for: UtcDatetime
    missed_count: int = 0
    first_missed_at: UtcDatetime | None = None
    is_skipped: bool = False
    """Whether the run is too late to be executed; the user is only told of it."""


class ClaimedRuns(Contract):
    """The runs that are due, and the time of the next claim."""

    runs: list[ClaimedRun]
    next_fire_at: UtcDatetime | None = Field(description="null: no job is active")
    now: UtcDatetime = Field(description="Time of Postgres's clock, to which `next_fire_at` refers")


class DispatchedRuns(RequestBody):
    """Runs that are in their queues now."""

    model_config = example_config(run_ids=[EXAMPLE_IDS["tools"]])

    run_ids: Annotated[list[UUID], Field(max_length=1000)]


class RunSnooze(RequestBody):
    """Remind again: in some minutes, or tomorrow at the same local time."""

    model_config = example_config(minutes=10)

    minutes: int | None = Field(None, ge=1, le=7 * 24 * 60)
    tomorrow: bool = False

    @model_validator(mode="after")
    def _require_one(self) -> Self:
        if (self.minutes is None) == (not self.tomorrow):
            raise ValueError("give exactly one of minutes and tomorrow")
        return self


class JobsMove(RequestBody):
    """Give a user's active jobs in other time zones the user's own time zone."""

    model_config = example_config(user_id=EXAMPLE_IDS["users"])

    user_id: UUID


class FireTimes(Contract):
    """The next times at which a job fires."""

    items: list[UtcDatetime]
    timezone: str
