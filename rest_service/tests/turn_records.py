"""Builds records of the stream `turns` and adds them to it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from rest_service.app.archive.reader import GROUP
from rest_service.tests.api_helpers import JsonObject
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.keys import TURNS_STREAM
from smart_kit.contracts.threads import RunRecord, StepRecord, TurnRecord, first_thread_id
from smart_kit.redis import Redis

CALL: JsonObject = {"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]}
ITEMS: tuple[JsonObject, ...] = (
    {"role": "user", "content": "What time is it?"},
    CALL,
    {"role": "tool", "tool_call_id": "c", "content": "noon"},
    {"role": "assistant", "content": "It is noon."},
)
STEPS = (
    StepRecord(step="0", kind="model", name="m", prompt_tokens=100, completion_tokens=10),
    StepRecord(step="0.0", kind="tool", name="get_time", arguments={"z": 1, "a": 2}, result="noon"),
    StepRecord(step="1", kind="model", name="m", prompt_tokens=120, completion_tokens=5),
)


def turn_record(message_id: str = "tg:1:1", **fields: Any) -> TurnRecord:
    user_id = fields.get("user_id", UUID(int=1))
    assistant_id = fields.get("assistant_id", UUID(int=2))
    defaults = {
        "message_id": message_id,
        "user_id": user_id,
        "assistant_id": assistant_id,
        "thread_id": first_thread_id(user_id, assistant_id),
        "configuration_version": 3,
        "status": "done",
        "items": ITEMS,
        "steps": STEPS,
        "started_at": utc_now(),
        "finished_at": utc_now() + timedelta(seconds=1),
    }
    return TurnRecord(**defaults | fields)


async def add_records(redis: Redis, *records: TurnRecord | RunRecord | str) -> None:
    for record in records:
        text = record if isinstance(record, str) else record.model_dump_json()
        await redis.xadd(TURNS_STREAM, {"record": text})


async def is_stream_empty(redis: Redis) -> bool:
    pending = await redis.xpending(TURNS_STREAM, GROUP)
    return await redis.xlen(TURNS_STREAM) == 0 and pending["pending"] == 0
