"""Reminders and scheduled prompts."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from smart_kit.contracts.base import (
    Contract,
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

BotId = Annotated[
    int,
    Field(
        ge=0, lt=2**52, description="Id of a Telegram bot: the part of its token before the colon"
    ),
]


class CronJobCreate(RequestBody):
    """A new job with exactly one of `at` and `cron_expression`."""

    model_config = example_config(
        user_id=EXAMPLE_IDS["users"], text="Stretch", cron_expression="0 9 * * 1-5"
    )

    user_id: UUID
    type: CronJobType = "reminder"
    name: Name | None = Field(None, description="null: the beginning of the text")
    text: JobText
    at: ZonedOrLocalTime | None = None
    cron_expression: CronExpression | None = Field(None, examples=["0 9 * * 1-5"])
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
    cron_expression: CronExpression | None = None
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
    cron_expression: str | None
    timezone: str
    chat_id: int
    bot_id: int | None = None
    """The bot it was created with, the only one that delivers it; null: any."""
    priority: NotificationPriority
    is_active: bool
    next_fire_at: UtcDatetime | None
    effect: EffectRead | None = None
    """The receipt, if the request had an Idempotency-Key."""


class CronJobRunRead(Contract):
    """One run of a job."""

    id: UUID
    job_id: UUID
    scheduled_for: UtcDatetime
    state: RunState
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


class ClaimedRuns(Contract):
    """The runs that are due, and the time of the next claim."""

    runs: list[ClaimedRun]
    next_fire_at: UtcDatetime | None = Field(description="null: no job is active")
    now: UtcDatetime = Field(description="Time of Postgres's clock, to which `next_fire_at` refers")


class DispatchedRuns(RequestBody):
    """Runs that are in their queues now."""

    model_config = example_config(run_ids=[EXAMPLE_IDS["tools"]])

    run_ids: Annotated[list[UUID], Field(max_length=1000)]
