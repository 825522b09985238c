"""Reminders and scheduled prompts."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from smart_kit.contracts.base import Contract, DatetimeInput, Name, RequestBody, UtcDatetime
from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.examples import EXAMPLE_IDS, example
from smart_kit.contracts.queue import NotificationPriority
from smart_kit.settings import TimeZoneName

CronJobType = Literal["reminder", "prompt"]
RunState = Literal["claimed", "dispatched", "done", "missed", "failed"]
JobText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
CronExpression = Annotated[str, StringConstraints(max_length=255)]
BotId = Annotated[int, Field(ge=0, lt=2**52, description="What stands before a token's colon")]
JobTime = Annotated[
    DatetimeInput, Field(description="ISO 8601; without an offset it is meant in `timezone`")
]


class CronJobCreate(RequestBody):
    """A new job: exactly one of `at` and `cron_expression`."""

    model_config = example(
        user_id=EXAMPLE_IDS["users"], text="Stretch", cron_expression="0 9 * * 1-5"
    )

    user_id: UUID
    type: CronJobType = "reminder"
    name: Name | None = Field(None, description="null: the beginning of the text")
    text: JobText
    at: JobTime | None = None
    cron_expression: CronExpression | None = Field(None, examples=["0 9 * * 1-5"])
    timezone: TimeZoneName | None = Field(None, description="null: the user's")
    chat_id: int | None = Field(
        None, gt=-(2**52), lt=2**52, description="null: the user's private chat"
    )
    priority: NotificationPriority = Field(
        "high", description="high: the reminder makes a sound; low: it arrives silently"
    )
    is_active: bool = True


class CronJobUpdate(RequestBody):
    """The fields to change; those left out stay."""

    model_config = example(at="2031-11-27T09:00:00")

    name: Name | None = None
    text: JobText | None = None
    at: JobTime | None = None
    cron_expression: CronExpression | None = None
    timezone: TimeZoneName | None = None
    priority: NotificationPriority | None = None
    is_active: bool | None = None
    bot_id: BotId | None = Field(None, description="null: by whichever bot there is")


class CronJobRead(Contract):
    """A job as it is."""

    id: UUID
    user_id: UUID
    type: CronJobType
    name: str
    text: str
    at: UtcDatetime | None
    cron_expression: str | None
    timezone: str
    chat_id: int
    bot_id: int | None = Field(
        None, description="The bot it was made with, the only one that delivers it; null: any"
    )
    priority: NotificationPriority
    is_active: bool
    next_fire_at: UtcDatetime | None
    created_at: UtcDatetime
    updated_at: UtcDatetime
    effect: EffectRead | None = Field(
        None, description="The receipt, where the call carried an Idempotency-Key"
    )


class CronJobRunRead(Contract):
    """One firing of a job."""

    id: UUID
    job_id: UUID
    scheduled_for: UtcDatetime
    state: RunState
    claimed_at: UtcDatetime
    dispatched_at: UtcDatetime | None
    done_at: UtcDatetime | None


class ClaimedRun(Contract):
    """A run to dispatch, with all that its queue message needs."""

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


class Claim(Contract):
    """The runs that are due, and when to ask again."""

    runs: list[ClaimedRun]
    next_fire_at: UtcDatetime | None = Field(description="null: nothing is planned")
    now: UtcDatetime = Field(description="Postgres's clock, by which `next_fire_at` is meant")


class RunsDispatched(RequestBody):
    """These runs are in the queue now."""

    model_config = example(run_ids=[EXAMPLE_IDS["tools"]])

    run_ids: Annotated[list[UUID], Field(max_length=1000)]
