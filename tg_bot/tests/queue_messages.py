"""Builds messages for `queue:to_telegram`."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.effects import EffectKind, EffectRead
from smart_kit.contracts.queue import Notice, NoticeName, Notification, Reply, reply_id

BOT_ID = 424242


def common_fields(number: int, chat_id: int) -> dict[str, Any]:
    """What every message has."""
    cause = f"tg:{BOT_ID}:{number}"
    return {
        "id": reply_id(cause),
        "conversation": f"tg:{BOT_ID}:{chat_id}",
        "chat_id": chat_id,
        "correlation_id": cause,
        "language_code": "en",
    }


def make_reply(text: str, number: int = 1, chat_id: int = 7, **fields: Any) -> Reply:
    return Reply(**common_fields(number, chat_id) | {"text": text} | fields)


def make_notice(name: NoticeName, number: int = 1, chat_id: int = 7, **fields: Any) -> Notice:
    return Notice(**common_fields(number, chat_id) | {"notice": name} | fields)


def make_reminder(
    text: str, scheduled_for: datetime | None = None, chat_id: int = 7, **fields: Any
) -> Notification:
    run_id = uuid4()
    return Notification(
        **common_fields(0, chat_id)
        | {
            "id": f"run:{run_id}",
            "run_id": run_id,
            "job_id": uuid4(),
            "text": text,
            "scheduled_for": scheduled_for or utc_now(),
            "timezone": "Europe/Berlin",
        }
        | fields
    )


def make_effect(kind: EffectKind = "reminder_created", **facts: Any) -> EffectRead:
    """A receipt as rest_service writes it; `facts` replace or add."""
    job = {
        "id": str(uuid4()),
        "type": "reminder",
        "name": "call Anna",
        "text": "call Anna",
        "at": "2026-11-27T08:00:00Z",
        "cron_expression": None,
        "timezone": "Europe/Berlin",
        "chat_id": 7,
        "priority": "high",
        "is_active": True,
        "next_fire_at": "2026-11-27T08:00:00Z",
    } | facts
    is_cancelled = kind == "reminder_cancelled"
    return make_effect_from(
        kind, before=job if is_cancelled else None, after=None if is_cancelled else job
    )


def make_past_effect() -> EffectRead:
    """A receipt whose words do not depend on the date of today: the year is told."""
    return make_effect(next_fire_at="2020-11-27T08:00:00Z")


def make_effect_from(
    kind: EffectKind, *, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None
) -> EffectRead:
    """A receipt with these facts."""
    return EffectRead(
        id=uuid4(),
        user_id=uuid4(),
        kind=kind,
        before=before,
        after=after,
        message_id="tg:1:1",
        step="0.0",
        created_at=utc_now(),
    )
