"""Reminders, tasks and effects of the fake rest_service."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx2
from pydantic import BaseModel

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.cron_jobs import CronJobRead, CronJobRunRead
from smart_kit.contracts.effects import EffectKind, EffectRead
from smart_kit.contracts.tasks import TaskRead

DUE = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
SNOOZED_UNTIL = datetime(2026, 11, 27, 14, 15, tzinfo=UTC)

RecordT = TypeVar("RecordT", CronJobRead, TaskRead)


class FakeRecords:
    """Tests read and write its state. A repeated Idempotency-Key gets the first response again."""

    def __init__(self) -> None:
        self.jobs: dict[UUID, CronJobRead] = {}
        self.tasks: dict[UUID, TaskRead] = {}
        self.runs: dict[UUID, CronJobRunRead] = {}
        self.effects: list[EffectRead] = []
        self.moved_timezone = "Europe/Lisbon"
        """The user's time zone, to which jobs move."""
        self._responses: dict[str, httpx2.Response] = {}

    def add_job(self, user_id: UUID, text: str = "call Anna", **facts: Any) -> CronJobRead:
        """Add a job; by default a one-off at nine in Berlin."""
        defaults = {
            "type": "reminder",
            "name": text,
            "text": text,
            "at": DUE,
            "local_at": datetime(2026, 11, 27, 9),
            "cron_expression": None,
            "timezone": "Europe/Berlin",
            "chat_id": 7,
            "priority": "high",
            "is_active": True,
            "next_fire_at": DUE,
        }
        job = CronJobRead.model_validate(_record_fields(user_id) | defaults | facts)
        self.jobs[job.id] = job
        return job

    def add_task(self, user_id: UUID, title: str, **facts: Any) -> TaskRead:
        defaults = {
            "title": title,
            "status": "open",
            "due_at": None,
            "priority": "normal",
            "completed_at": None,
        }
        task = TaskRead.model_validate(_record_fields(user_id) | defaults | facts)
        self.tasks[task.id] = task
        return task

    def add_run(self, **facts: Any) -> CronJobRunRead:
        """Add a run of a job that was delivered."""
        defaults = {
            "id": uuid4(),
            "job_id": uuid4(),
            "scheduled_for": DUE,
            "state": "done",
            "claimed_at": DUE,
            "dispatched_at": DUE,
            "done_at": DUE,
        }
        run = CronJobRunRead.model_validate(defaults | facts)
        self.runs[run.id] = run
        return run

    def handle_request(self, request: httpx2.Request) -> httpx2.Response | None:
        """Handle a request; None if it is not about these records."""
        key = request.headers.get("Idempotency-Key")
        if key in self._responses:
            return self._responses[key]
        response = self._handle_new_request(request)
        if key is not None and response is not None and response.status_code < 300:
            self._responses[key] = response
        return response

    def record_effect(
        self,
        request: httpx2.Request,
        kind: EffectKind,
        before: Any = None,
        after: Any = None,
    ) -> EffectRead | None:
        """Record what a request with an Idempotency-Key changes."""
        message_id, _, step = request.headers.get("Idempotency-Key", "").rpartition("/")
        if not message_id:
            return None
        effect = EffectRead(
            id=uuid4(),
            user_id=UUID(request.headers["X-User-Id"]),
            kind=kind,
            before=before,
            after=after,
            message_id=message_id,
            step=step,
            created_at=utc_now(),
        )
        self.effects.append(effect)
        return effect

    def _handle_new_request(self, request: httpx2.Request) -> httpx2.Response | None:
        path, query = request.url.path.removeprefix("/api"), request.url.params
        match request.method, path.split("/")[1:]:
            case "GET", ["cron-jobs"]:
                return _page(job for job in self.jobs.values() if job.is_active)
            case "POST", ["cron-jobs", "move"]:
                return self._move(request)
            case "POST", ["cron-jobs", "runs", run_id, answer]:
                return self._answer(request, self.runs.get(UUID(run_id)), answer)
            case method, ["cron-jobs", job_id]:
                return self._handle_job(request, method, self.jobs.get(UUID(job_id)))
            case "GET", ["tasks"]:
                return _page(task for task in self.tasks.values() if task.status == "open")
            case method, ["tasks", task_id]:
                return self._handle_task(request, method, self.tasks.get(UUID(task_id)))
            case "GET", ["effects"]:
                wanted = query["message_id"]
                return _page(one for one in self.effects if one.message_id == wanted)
        return None

    def _handle_job(
        self, request: httpx2.Request, method: str, job: CronJobRead | None
    ) -> httpx2.Response:
        if job is None:
            return _error(404)
        if method == "GET":
            return _respond(job)
        del self.jobs[job.id]
        self.record_effect(request, "reminder_cancelled", before=job.model_dump(mode="json"))
        return httpx2.Response(204)

    def _handle_task(
        self, request: httpx2.Request, method: str, task: TaskRead | None
    ) -> httpx2.Response:
        if task is None:
            return _error(404)
        if method == "GET":
            return _respond(task)
        changed = _change(task, **json.loads(request.content))
        self.tasks[task.id] = changed
        facts = (task.model_dump(mode="json"), changed.model_dump(mode="json"))
        self.record_effect(request, "task_changed", *facts)
        return _respond(changed)

    def _move(self, request: httpx2.Request) -> httpx2.Response:
        moved = []
        for job in self.jobs.values():
            if job.local_at is not None and job.timezone != self.moved_timezone:
                after = _change(job, timezone=self.moved_timezone)
                facts = (job.model_dump(mode="json"), after.model_dump(mode="json"))
                effect = self.record_effect(request, "reminder_changed", *facts)
                moved.append(_change(after, effect=effect))
        return _page(moved)

    def _answer(
        self, request: httpx2.Request, run: CronJobRunRead | None, answer: str
    ) -> httpx2.Response:
        if run is None:
            return _error(404)
        is_snooze = answer == "snooze"
        if run.snoozed_job_id or (is_snooze and run.acknowledged_at):
            return _error(409)
        if not is_snooze:
            self.runs[run.id] = run.model_copy(update={"acknowledged_at": DUE})
            return _respond(self.runs[run.id])
        user_id = UUID(request.headers["X-User-Id"])
        job = self.add_job(user_id, at=SNOOZED_UNTIL, next_fire_at=SNOOZED_UNTIL, local_at=None)
        self.runs[run.id] = run.model_copy(update={"snoozed_job_id": job.id})
        effect = self.record_effect(request, "reminder_created", after=job.model_dump(mode="json"))
        return _respond(_change(job, effect=effect), 201)


def _record_fields(user_id: UUID) -> dict[str, Any]:
    return {"id": uuid4(), "user_id": user_id, "created_at": DUE, "updated_at": DUE}


def _change(record: RecordT, **fields: Any) -> RecordT:
    return type(record).model_validate(record.model_dump() | fields)


def _respond(record: BaseModel, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, content=record.model_dump_json())


def _page(records: Iterable[BaseModel]) -> httpx2.Response:
    items = [record.model_dump(mode="json") for record in records]
    return httpx2.Response(
        200, json={"items": items, "total": len(items), "limit": 200, "offset": 0}
    )


def _error(status: int) -> httpx2.Response:
    return httpx2.Response(status, json={"error": "refused", "detail": "no"})
