"""Example records for tests of undo, and the compared fields."""

from collections.abc import Awaitable, Callable

import httpx2

from rest_service.tests.api_helpers import JsonObject

CREATE_BODIES: dict[str, JsonObject] = {
    "cron-jobs": {"text": "Tea", "at": "2031-01-01T09:00Z", "priority": "low"},
    "tasks": {"title": "Milk", "due_at": "2031-01-01T09:00Z", "priority": "high"},
    "calendar": {
        "title": "Chess",
        "starts_at": "2031-01-01T09:00Z",
        "ends_at": "2031-01-01T10:00Z",
        "timezone": "Asia/Tokyo",
        "attendees": ["ann@example.org"],
    },
}
CHANGE_BODIES: dict[str, JsonObject] = {
    "cron-jobs": {"text": "Cake", "cron_expression": "0 9 * * *", "timezone": "Asia/Tokyo"},
    "tasks": {"title": "Tea", "status": "done", "due_at": None},
    "calendar": {"title": "Go", "starts_at": "2031-01-01T09:30Z", "attendees": []},
}
CHANGE_KINDS = {
    "cron-jobs": "reminder_changed",
    "tasks": "task_changed",
    "calendar": "event_changed",
}

CallTool = Callable[..., Awaitable[JsonObject]]
CallUndo = Callable[..., Awaitable[httpx2.Response]]


def strip_volatile_fields(record: JsonObject) -> JsonObject:
    """Return the fields of an effect, without those that depend on the time."""
    passing = {"created_at", "updated_at", "effect", "next_fire_at"}
    return {name: value for name, value in record.items() if name not in passing}


def get_status_and_detail(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["detail"]
