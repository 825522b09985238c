"""A fake of rest_service: it answers what the assistant asks, and records the requests."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx2

from assistant.tests.snapshots import ALICE, id_of, person


@dataclass
class FakeRestService:
    """Answers as rest_service does, as far as the assistant asks, and repeats for equal keys."""

    is_down: bool = False
    refusal: tuple[int, str] | None = None
    requests: list[httpx2.Request] = field(default_factory=list)
    created: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    tasks_in_all: int = 0
    archive: list[dict[str, Any]] = field(default_factory=list)
    """Items of Alice's thread."""
    undoable: list[dict[str, Any]] = field(default_factory=list)
    """Effects that /undo would take back, the newest last."""
    next_fire_at: str | None = "2026-11-27T08:00:00Z"
    """Of a recurring job."""

    delay_seconds: float = 0.0
    meanwhile: Callable[[], Awaitable[None]] | None = None
    """What somebody else does while it answers."""

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        await asyncio.sleep(self.delay_seconds)
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.is_down:
            raise httpx2.ConnectError("refused")
        if self.refusal is not None:
            status, detail = self.refusal
            return httpx2.Response(status, json={"error": "refused", "detail": detail})
        return self._answer(request, json.loads(request.content or b"{}"))

    def _answer(self, request: httpx2.Request, body: dict[str, Any]) -> httpx2.Response:
        match request.method, request.url.path.split("/")[2]:
            case "PUT", "users":
                return httpx2.Response(200, json=self._user(request, body))
            case "POST", "cron-jobs":
                return httpx2.Response(201, json=self._once(request, body, self._cron_job))
            case "POST", "tasks":
                return httpx2.Response(201, json=self._once(request, body, self._task))
            case "PATCH", "tasks":
                return httpx2.Response(200, json=self._once(request, body, self._changed_task))
            case "GET", "tasks":
                page = {"items": self.tasks, "total": self.tasks_in_all or len(self.tasks)}
                return httpx2.Response(200, json=page | {"limit": 50, "offset": 0})
            case "GET", "messages":
                return httpx2.Response(200, json=self._messages(request))
            case "POST", "effects":
                return self._undo(request, body)
            case "POST", "threads":
                return httpx2.Response(201, json=self._once(request, body, self._thread))
        return httpx2.Response(404, json={"error": "not_found", "detail": "no such route"})

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What was sent."""
        return [json.loads(request.content) for request in self.requests]

    def requests_to(self, method: str, path: str) -> list[httpx2.Request]:
        """The requests of that kind."""
        return [one for one in self.requests if (one.method, one.url.path) == (method, path)]

    def _messages(self, request: httpx2.Request) -> dict[str, Any]:
        wanted = request.url.params
        assert wanted["newest"] == "true"
        rows = [
            {
                "id": str(uuid4()),
                "thread_id": wanted["thread_id"],
                "user_id": wanted["user_id"],
                "assistant_id": str(uuid4()),
                "message_id": "tg:77:0",
                "position": position,
                "role": item["role"],
                "content": item["content"],
                "payload": item,
                "created_at": _now(),
            }
            for position, item in enumerate(self.archive)
        ]
        limit = int(wanted["limit"])
        return {"items": rows[-limit:], "total": len(rows), "limit": limit, "offset": 0}

    def _undo(self, request: httpx2.Request, body: dict[str, Any]) -> httpx2.Response:
        if request.headers["Idempotency-Key"] not in self.created and not self.undoable:
            return httpx2.Response(404, json={"error": "not_found", "detail": "nothing is left"})
        return httpx2.Response(200, json=self._once(request, body, self._undone))

    def _undone(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        effect = self.undoable.pop()
        undoing = _effect(request, body["user_id"], "reminder_cancelled", {})
        return undoing | {"undoes": effect["id"], "before": effect["after"], "after": None}

    def _once(
        self,
        request: httpx2.Request,
        body: dict[str, Any],
        make: Callable[[httpx2.Request, dict[str, Any]], dict[str, Any]],
    ) -> dict[str, Any]:
        key = request.headers["Idempotency-Key"]
        if key not in self.created:
            self.created[key] = make(request, body)
        return self.created[key]

    def _user(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        telegram_id = int(request.url.path.split("/")[-1])
        user = person(telegram_id).model_dump(mode="json")
        return user | {"username": None} | body | _moments()

    def _thread(self, _: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        fresh = {"id": str(uuid4()), "thread_id": str(uuid4())}
        return body | fresh | _moments() | {"last_used_at": _now()}

    def _task(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        made = task(**{name: value for name, value in body.items() if name != "timezone"})
        return made | {"effect": _effect(request, body["user_id"], "task_created", made)}

    def _changed_task(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        task_id = request.url.path.split("/")[-1]
        (before,) = (one for one in self.tasks if one["id"] == task_id)
        after = before | {name: value for name, value in body.items() if name != "timezone"}
        return after | {"effect": _effect(request, after["user_id"], "task_changed", after)}

    def _cron_job(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        job = {"at": None, "cron_expression": None, "is_silent": False, "is_active": True} | body
        job |= {"id": str(uuid4()), "name": body["text"][:60], **_moments()}
        job["next_fire_at"] = job["at"] or self.next_fire_at
        after = {"text": body["text"]}
        effect = _effect(request, body["user_id"], "reminder_created", after)
        self.undoable.append(effect)
        return job | {"effect": effect}


def task(title: str, **changes: Any) -> dict[str, Any]:
    """A task of Alice's as rest_service tells it."""
    made = {
        "id": str(id_of(title)),
        "user_id": str(id_of(str(ALICE))),
        "title": title,
        "status": "open",
        "due_at": None,
        "priority": "normal",
        "completed_at": None,
        **_moments(),
    }
    return made | changes


def _effect(
    request: httpx2.Request, user_id: str, kind: str, after: dict[str, Any]
) -> dict[str, Any]:
    message_id, _, step = request.headers["Idempotency-Key"].rpartition("/")
    return {
        "id": str(uuid4()),
        "user_id": user_id,
        "kind": kind,
        "after": after,
        "message_id": message_id,
        "step": step,
        "created_at": _now(),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _moments() -> dict[str, str]:
    return {"created_at": _now(), "updated_at": _now()}
