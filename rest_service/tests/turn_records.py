"""Builds records of the stream `turns` and adds them to it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from rest_service.app.background.archive_consumer import GROUP
from rest_service.tests.api_helpers import JsonObject
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.keys import TURNS_STREAM
from smart_kit.contracts.threads import (
    CronJobRunRecord,
    ModelFailure,
    StepRecord,
    TurnRecord,
    derive_first_thread_id,
)
from smart_kit.redis import Redis

CALLING_MESSAGE: JsonObject = {"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]}
ITEMS: tuple[JsonObject, ...] = (
    {"role": "user", "content": "What time is it?"},
    CALLING_MESSAGE,
    {"role": "tool", "tool_call_id": "c", "content": "noon"},
    {"role": "assistant", "content": "It is noon."},
)
STEPS = (
    StepRecord(step="0", kind="model", name="m", prompt_tokens=100, completion_tokens=10),
    StepRecord(step="0.0", kind="tool", name="get_time", arguments={"z": 1, "a": 2}, result="noon"),
    StepRecord(step="1", kind="model", name="m", prompt_tokens=120, completion_tokens=5),
)


def make_turn_record(message_id: str = "tg:1:1", **fields: Any) -> TurnRecord:
    user_id = fields.get("user_id", UUID(int=1))
    assistant_id = fields.get("assistant_id", UUID(int=2))
    defaults = {
        "message_id": message_id,
        "user_id": user_id,
        "assistant_id": assistant_id,
        "thread_id": derive_first_thread_id(user_id, assistant_id),
        "configuration_version": 3,
        "status": "done",
        "items": ITEMS,
        "steps": STEPS,
        "requested_at": utc_now(),
        "started_at": utc_now(),
        "finished_at": utc_now() + timedelta(seconds=1),
    }
    return TurnRecord(**defaults | fields)


async def add_records(redis: Redis, *records: TurnRecord | CronJobRunRecord | str) -> None:
    for record in records:
        text = record if isinstance(record, str) else record.model_dump_json()
        await redis.xadd(TURNS_STREAM, {"record": text})


async def is_stream_empty(redis: Redis) -> bool:
    pending = await redis.xpending(TURNS_STREAM, GROUP)
    return await redis.xlen(TURNS_STREAM) == 0 and pending["pending"] == 0


MONDAY = datetime(2025, 11, 24, 12, 0, tzinfo=UTC)
EMPTY_FAILURE = ModelFailure(
    model="luna",
    provider="first",
    reason="The model said nothing",
    seconds=1.5,
    prompt_tokens=1_000,
    cached_tokens=7,
    completion_tokens=5,
    cost=Decimal("0.01"),
)
REFUSED_FAILURE = ModelFailure(model="luna", provider="first", reason="401: code invalid_api_key")


def make_model_step(step: str, cost: str | None, **fields: Any) -> StepRecord:
    """Return the step of a model call."""
    defaults: dict[str, Any] = {"name": "luna", "provider": "first", "started_at": MONDAY}
    counted = {"prompt_tokens": 100, "cached_tokens": 40, "completion_tokens": 10, "seconds": 2.0}
    return StepRecord(step=step, kind="model", cost=cost, **defaults | counted | fields)
