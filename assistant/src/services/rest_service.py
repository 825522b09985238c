"""Client of rest_service. A message that needs no tool causes no call."""

from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from pydantic import BaseModel

from smart_kit.contracts.base import Page
from smart_kit.contracts.cron_jobs import CronJobCreate, CronJobRead, CronJobUpdate
from smart_kit.contracts.effects import EffectRead, EffectUndo
from smart_kit.contracts.tasks import TaskCreate, TaskRead, TaskStatus, TaskUpdate
from smart_kit.contracts.threads import MessagePage, ThreadCreate, ThreadRead
from smart_kit.contracts.usage import BudgetRead
from smart_kit.contracts.users import (
    UpsertedUser,
    UserBatchRead,
    UserBatchUpsert,
    UserCreate,
    UserRead,
    UserUpdate,
)
from smart_kit.rest_client import ServiceClient

ModelT = TypeVar("ModelT", bound=BaseModel)

MAX_LISTED_JOBS = 200


class CancelledJob(NamedTuple):
    """A reminder that was cancelled."""

    text: str
    effect: EffectRead


class RestServiceClient:
    """Its methods raise a DomainError if rest_service refuses, else UpstreamUnavailable."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def upsert_users(self, profiles: list[UserCreate]) -> list[UpsertedUser]:
        """Return the users of these Telegram ids, 100 at most; new users are created."""
        body = UserBatchUpsert(profiles=profiles)
        return (await self._client.call("PUT", "/users", UserBatchRead, body=body)).users

    async def update_user(
        self, user_id: UUID, change: UserUpdate, idempotency_key: str
    ) -> UserRead:
        """Change the given fields of a user; the `effect` of changed settings is the receipt."""
        path = f"/users/{user_id}"
        return await self._write(path, UserRead, change, user_id, idempotency_key, "PATCH")

    async def get_budget(self, user_id: UUID) -> BudgetRead:
        """Return what a user has spent today. It is not retried, because a user waits."""
        return await self._client.call(
            "GET", f"/users/{user_id}/budget", BudgetRead, user_id=user_id, max_attempts=1
        )

    async def create_thread(
        self, user_id: UUID, assistant_id: UUID, idempotency_key: str
    ) -> ThreadRead:
        """Start a new thread of a user with an assistant."""
        body = ThreadCreate(user_id=user_id, assistant_id=assistant_id)
        return await self._write("/threads", ThreadRead, body, user_id, idempotency_key)

    async def create_cron_job(self, job: CronJobCreate, idempotency_key: str) -> CronJobRead:
        """Create a reminder or a scheduled prompt; its `effect` is the receipt."""
        return await self._write("/cron-jobs", CronJobRead, job, job.user_id, idempotency_key)

    async def list_active_cron_jobs(self, user_id: UUID) -> list[CronJobRead]:
        """Return the reminders and scheduled prompts of a user that will fire."""
        return await self._list_cron_jobs(user_id, is_active="true")

    async def list_fired_cron_jobs(self, user_id: UUID, since: datetime) -> list[CronJobRead]:
        """Return the one-off reminders of a user that have fired since a time."""
        return await self._list_cron_jobs(user_id, is_active="false", fired_since=since.isoformat())

    async def update_cron_job(
        self, job_id: UUID, change: CronJobUpdate, user_id: UUID, idempotency_key: str
    ) -> CronJobRead:
        """Change the given fields of a reminder; its `effect` is the receipt."""
        path = f"/cron-jobs/{job_id}"
        return await self._write(path, CronJobRead, change, user_id, idempotency_key, "PATCH")

    async def cancel_cron_job(
        self, job_id: UUID, user_id: UUID, idempotency_key: str
    ) -> CancelledJob:
        """Delete a reminder. Raises NotFound."""
        await self._client.send(
            "DELETE", f"/cron-jobs/{job_id}", user_id=user_id, idempotency_key=idempotency_key
        )
        message_id, _, step = idempotency_key.rpartition("/")
        params = {"user_id": str(user_id), "message_id": message_id}
        effects = await self._client.call(
            "GET", "/effects", Page[EffectRead], user_id=user_id, params=params
        )
        effect = next(one for one in effects.items if one.step == step)
        return CancelledJob((effect.before or {}).get("text", ""), effect)

    async def create_task(self, task: TaskCreate, idempotency_key: str) -> TaskRead:
        """Create a task; its `effect` is the receipt."""
        return await self._write("/tasks", TaskRead, task, task.user_id, idempotency_key)

    async def list_tasks(self, user_id: UUID, status: TaskStatus, limit: int) -> Page[TaskRead]:
        """Return a user's tasks of this status."""
        params = {"user_id": str(user_id), "status": status, "limit": limit}
        return await self._client.call(
            "GET", "/tasks", Page[TaskRead], user_id=user_id, params=params
        )

    async def update_task(
        self, task_id: UUID, change: TaskUpdate, user_id: UUID, idempotency_key: str
    ) -> TaskRead:
        """Change the given fields of a task; its `effect` is the receipt."""
        path = f"/tasks/{task_id}"
        return await self._write(path, TaskRead, change, user_id, idempotency_key, "PATCH")

    async def undo(self, user_id: UUID, idempotency_key: str) -> EffectRead:
        """Undo a user's newest change and return the effect that undid it.

        Raises NotFound if no change is left, Conflict if it cannot be undone.
        """
        body = EffectUndo(user_id=user_id)
        return await self._write("/effects/undo", EffectRead, body, user_id, idempotency_key)

    async def list_newest_messages(self, user_id: UUID, thread_id: UUID, limit: int) -> MessagePage:
        """Return the newest items of a thread that a model receives, oldest first, uncounted.

        The request is not retried: a user waits for the answer.
        """
        params = {
            "thread_id": str(thread_id),
            "user_id": str(user_id),
            "is_in_context": "true",
            "newest": "true",
            "with_total": "false",
            "limit": limit,
        }
        return await self._client.call(
            "GET", "/messages", MessagePage, user_id=user_id, params=params, max_attempts=1
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _list_cron_jobs(self, user_id: UUID, **filters: str) -> list[CronJobRead]:
        params: dict[str, Any] = {"user_id": str(user_id), "limit": MAX_LISTED_JOBS, **filters}
        page = await self._client.call(
            "GET", "/cron-jobs", Page[CronJobRead], user_id=user_id, params=params
        )
        return page.items

    async def _write(
        self,
        path: str,
        response_type: type[ModelT],
        body: BaseModel,
        user_id: UUID,
        idempotency_key: str,
        method: str = "POST",
    ) -> ModelT:
        return await self._client.call(
            method,
            path,
            response_type,
            body=body,
            user_id=user_id,
            idempotency_key=idempotency_key,
        )
