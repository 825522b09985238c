"""A fake of rest_service: responds to the assistant, and records the requests."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx2

from assistant.tests.snapshot_builders import ALICE, id_for, make_user


@dataclass
class FakeRestService:
    """Responds like rest_service, and equally to requests with the same idempotency key."""

    is_down: bool = False
    refusal: tuple[int, str] | None = None
    requests: list[httpx2.Request] = field(default_factory=list)
    created: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    tasks_total: int = 0
    archive: list[dict[str, Any]] = field(default_factory=list)
    """Items of Alice's thread."""
    known_users: set[int] = field(default_factory=set)
    """Telegram ids of users who are not new."""
    undoable_effects: list[dict[str, Any]] = field(default_factory=list)
    """Effects that /undo would take back, the newest last."""
    next_fire_at: str | None = "2026-11-27T08:00:00Z"
    """Of every job that it returns."""
    jobs: list[dict[str, Any]] = field(default_factory=list)
    """Alice's reminders, as `make_job` makes them."""
    user: dict[str, Any] = field(default_factory=dict)
    """Settings of the user, as PATCH /users left them."""
    effects: list[dict[str, Any]] = field(default_factory=list)

    failing_methods: set[str] = field(default_factory=set)
    """Methods of requests that are answered by 503."""
    delay_seconds: float = 0.0
    on_request: Callable[[], Awaitable[None]] | None = None
    """What somebody else does while it answers."""

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        await asyncio.sleep(self.delay_seconds)
        if self.on_request is not None:
            await self.on_request()
        if self.is_down:
            raise httpx2.ConnectError("refused")
        if request.method in self.failing_methods:
            return httpx2.Response(503, json={"error": "unavailable", "detail": "starting"})
        if self.refusal is not None:
            status, detail = self.refusal
            return httpx2.Response(status, json={"error": "refused", "detail": detail})
        return self._respond(request, json.loads(request.content or b"{}"))

    def _respond(self, request: httpx2.Request, body: dict[str, Any]) -> httpx2.Response:
        route = request.method, request.url.path.split("/")[2]
        if (write := self._find_write(route)) is not None:
            status = {"POST": 201, "PATCH": 200, "DELETE": 204}[request.method]
            made = self._idempotent(request, body, write)
            return httpx2.Response(status, json=made) if made else httpx2.Response(status)
        match route:
            case "PUT", "users":
                return httpx2.Response(200, json=self._upsert_users(body))
            case "GET", "cron-jobs":
                wanted = request.url.params["is_active"] == "true"
                jobs = [job for job in self.jobs if job["is_active"] == wanted]
                return httpx2.Response(200, json=_build_page(jobs))
            case "GET", "effects":
                return httpx2.Response(200, json=_build_page(self.effects))
            case "GET", "tasks":
                total = self.tasks_total or len(self.tasks)
                return httpx2.Response(200, json=_build_page(self.tasks) | {"total": total})
            case "GET", "messages":
                return httpx2.Response(200, json=self._list_messages(request))
            case "POST", "effects":
                return self._undo(request, body)
        return httpx2.Response(404, json={"error": "not_found", "detail": "no such route"})

    def _find_write(
        self, route: tuple[str, str]
    ) -> Callable[[httpx2.Request, dict[str, Any]], dict[str, Any]] | None:
        """Return what changes records at this route; None: it reads, or knows no keys."""
        return {
            ("POST", "cron-jobs"): self._create_cron_job,
            ("PATCH", "cron-jobs"): self._update_job,
            ("DELETE", "cron-jobs"): self._delete_job,
            ("PATCH", "users"): self._update_user,
            ("POST", "tasks"): self._create_task,
            ("PATCH", "tasks"): self._update_task,
            ("POST", "threads"): self._create_thread,
        }.get(route)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The bodies of the requests."""
        return [json.loads(request.content) for request in self.requests if request.content]

    def requests_to(self, method: str, path: str) -> list[httpx2.Request]:
        """Return the requests of this method and path."""
        return [one for one in self.requests if (one.method, one.url.path) == (method, path)]

    def _list_messages(self, request: httpx2.Request) -> dict[str, Any]:
        wanted = request.url.params
        assert (wanted["newest"], wanted["is_in_context"]) == ("true", "true")
        assert wanted["with_total"] == "false", "counting a long thread takes long"
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
                "is_in_context": True,
                "created_at": _now(),
            }
            for position, item in enumerate(self.archive)
        ]
        limit = int(wanted["limit"])
        return {"items": rows[-limit:], "total": None, "limit": limit, "offset": 0}

    def _undo(self, request: httpx2.Request, body: dict[str, Any]) -> httpx2.Response:
        if request.headers["Idempotency-Key"] not in self.created and not self.undoable_effects:
            return httpx2.Response(404, json={"error": "not_found", "detail": "nothing is left"})
        return httpx2.Response(200, json=self._idempotent(request, body, self._apply_undo))

    def _apply_undo(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        effect = self.undoable_effects.pop()
        undoing = _build_effect(request, body["user_id"], "reminder_cancelled", {})
        return undoing | {"undoes": effect["id"], "before": effect["after"], "after": None}

    def _idempotent(
        self,
        request: httpx2.Request,
        body: dict[str, Any],
        make: Callable[[httpx2.Request, dict[str, Any]], dict[str, Any]],
    ) -> dict[str, Any]:
        key = request.headers["Idempotency-Key"]
        if key not in self.created:
            self.created[key] = make(request, body)
        return self.created[key]

    def _upsert_users(self, body: dict[str, Any]) -> dict[str, Any]:
        users = []
        for profile in body["profiles"]:
            telegram_id = profile["telegram_id"]
            snapshot = make_user(telegram_id).model_dump(mode="json") | profile
            users.append({"user": snapshot, "is_new": telegram_id not in self.known_users})
            self.known_users.add(telegram_id)
        return {"users": users}

    def _create_thread(self, _: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        fresh = {"id": str(uuid4()), "thread_id": str(uuid4())}
        return body | fresh | _timestamps() | {"last_used_at": _now()}

    def _create_task(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        made = make_task(**{name: value for name, value in body.items() if name != "timezone"})
        return made | {"effect": _build_effect(request, body["user_id"], "task_created", made)}

    def _update_task(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        task_id = request.url.path.split("/")[-1]
        (before,) = (one for one in self.tasks if one["id"] == task_id)
        after = before | {name: value for name, value in body.items() if name != "timezone"}
        return after | {"effect": _build_effect(request, after["user_id"], "task_changed", after)}

    def _create_cron_job(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        job = make_job(**body) | {"id": str(uuid4()), "next_fire_at": self.next_fire_at}
        after = {"text": body["text"]}
        effect = _build_effect(request, body["user_id"], "reminder_created", after)
        self.undoable_effects.append(effect)
        return job | {"effect": effect}

    def _find_job(self, request: httpx2.Request) -> dict[str, Any]:
        job_id = request.url.path.split("/")[-1]
        return next(job for job in self.jobs if job["id"] == job_id)

    def _update_job(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        after = self._find_job(request) | body | {"next_fire_at": self.next_fire_at}
        return after | {"effect": _build_effect(request, after["user_id"], "reminder_changed", {})}

    def _delete_job(self, request: httpx2.Request, _: dict[str, Any]) -> dict[str, Any]:
        job = self._find_job(request)
        self.jobs.remove(job)
        effect = _build_effect(request, job["user_id"], "reminder_cancelled", {})
        other = effect | {"step": "9.9"}
        self.effects = [other, effect | {"after": None, "before": {"text": job["text"]}}]
        return {}

    def _update_user(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        before = {"timezone": self.user.get("timezone"), "language": self.user.get("language")}
        self.user |= body
        user = make_user(ALICE).model_dump(mode="json") | {"username": None} | before | body
        effect = _build_effect(request, user["id"], "settings_changed", before | body)
        return user | _timestamps() | {"effect": effect | {"before": before}}


def make_job(text: str, **changes: Any) -> dict[str, Any]:
    """Return a reminder of Alice, as rest_service sends it."""
    made = {
        "id": str(id_for(text)),
        "user_id": str(id_for(str(ALICE))),
        "type": "reminder",
        "name": text[:60],
        "text": text,
        "at": None,
        "cron_expression": None,
        "timezone": "Europe/Berlin",
        "chat_id": ALICE,
        "priority": "high",
        "is_active": True,
        "next_fire_at": None,
        **_timestamps(),
    }
    return made | changes


def make_task(title: str, **changes: Any) -> dict[str, Any]:
    """Return a task of Alice, as rest_service sends it."""
    made = {
        "id": str(id_for(title)),
        "user_id": str(id_for(str(ALICE))),
        "title": title,
        "status": "open",
        "due_at": None,
        "priority": "normal",
        "completed_at": None,
        **_timestamps(),
    }
    return made | changes


def _build_effect(
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


def _build_page(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"items": items, "total": len(items), "limit": 200, "offset": 0}


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _timestamps() -> dict[str, str]:
    return {"created_at": _now(), "updated_at": _now()}
