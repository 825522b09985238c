"""What the assistant asks of rest_service. A message that needs no tool asks nothing."""

from uuid import UUID

from smart_kit.contracts.base import Page
from smart_kit.contracts.cron_jobs import CronJobCreate, CronJobRead
from smart_kit.contracts.effects import EffectRead, EffectUndo
from smart_kit.contracts.tasks import TaskCreate, TaskRead, TaskStatus, TaskUpdate
from smart_kit.contracts.threads import MessageRead, ThreadCreate, ThreadRead
from smart_kit.contracts.usage import BudgetRead
from smart_kit.contracts.users import UserRead, UserUpdate, UserUpsert
from smart_kit.rest_client import ServiceClient


class RestServiceClient:
    """Raises a DomainError where rest_service refuses, UpstreamUnavailable where it is away."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def upsert_user(self, telegram_id: int, profile: UserUpsert) -> UserRead:
        """The person of that Telegram id, created where they are new."""
        path = f"/users/by-telegram-id/{telegram_id}"
        return await self._client.call("PUT", path, UserRead, body=profile)

    async def update_user(self, user_id: UUID, change: UserUpdate) -> UserRead:
        """Change the given fields of a person; done twice it is as done once."""
        return await self._client.call(
            "PATCH", f"/users/{user_id}", UserRead, body=change, user_id=user_id
        )

    async def get_budget(self, user_id: UUID) -> BudgetRead:
        """What a person has spent today. Asked once, because somebody waits."""
        return await self._client.call(
            "GET", f"/users/{user_id}/budget", BudgetRead, user_id=user_id, max_attempts=1
        )

    async def create_thread(
        self, user_id: UUID, assistant_id: UUID, idempotency_key: str
    ) -> ThreadRead:
        """Begin a new conversation of a person with an assistant."""
        return await self._client.call(
            "POST",
            "/threads",
            ThreadRead,
            body=ThreadCreate(user_id=user_id, assistant_id=assistant_id),
            user_id=user_id,
            idempotency_key=idempotency_key,
        )

    async def create_cron_job(self, job: CronJobCreate, idempotency_key: str) -> CronJobRead:
        """Plan a reminder or a prompt; its `effect` is the receipt."""
        return await self._client.call(
            "POST",
            "/cron-jobs",
            CronJobRead,
            body=job,
            user_id=job.user_id,
            idempotency_key=idempotency_key,
        )

    async def create_task(self, task: TaskCreate, idempotency_key: str) -> TaskRead:
        """Note a task; its `effect` is the receipt."""
        return await self._client.call(
            "POST",
            "/tasks",
            TaskRead,
            body=task,
            user_id=task.user_id,
            idempotency_key=idempotency_key,
        )

    async def list_tasks(self, user_id: UUID, status: TaskStatus, limit: int) -> Page[TaskRead]:
        """A person's tasks of that status."""
        return await self._client.call(
            "GET",
            "/tasks",
            Page[TaskRead],
            user_id=user_id,
            params={"user_id": str(user_id), "status": status, "limit": limit},
        )

    async def update_task(
        self, task_id: UUID, change: TaskUpdate, user_id: UUID, idempotency_key: str
    ) -> TaskRead:
        """Change the given fields; the `effect` is the receipt."""
        return await self._client.call(
            "PATCH",
            f"/tasks/{task_id}",
            TaskRead,
            body=change,
            user_id=user_id,
            idempotency_key=idempotency_key,
        )

    async def undo(self, user_id: UUID, idempotency_key: str) -> EffectRead:
        """Take back a person's newest change; the change that did so.

        Raises NotFound where none is left, Conflict where it cannot be taken back.
        """
        return await self._client.call(
            "POST",
            "/effects/undo",
            EffectRead,
            body=EffectUndo(user_id=user_id),
            user_id=user_id,
            idempotency_key=idempotency_key,
        )

    async def list_newest_messages(
        self, user_id: UUID, thread_id: UUID, limit: int
    ) -> Page[MessageRead]:
        """Return the newest items of a thread that a model is shown, oldest first.

        Asked once, because the user waits for an answer.
        """
        return await self._client.call(
            "GET",
            "/messages",
            Page[MessageRead],
            user_id=user_id,
            params={
                "thread_id": str(thread_id),
                "user_id": str(user_id),
                "is_in_context": "true",
                "newest": "true",
                "limit": limit,
            },
            max_attempts=1,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
