"""Client of rest_service: users, invitations, reminders and tasks."""

from uuid import UUID

from pydantic import SecretStr

from smart_kit.contracts.base import Page
from smart_kit.contracts.cron_jobs import CronJobRead, CronJobRunRead, JobsMove, RunSnooze
from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.queue import Sender
from smart_kit.contracts.tasks import TaskRead, TaskUpdate
from smart_kit.contracts.users import InviteRedeem, UserCreate, UserRead, UserUpdate
from smart_kit.errors import Conflict, NotFound
from smart_kit.rest_client import ServiceClient

MAX_LISTED = 200
"""The longest page of rest_service."""


class RestClient(ServiceClient):
    """The calls that the bot makes. Every method raises a DomainError or UpstreamUnavailable."""

    async def get_user(self, telegram_id: int) -> UserRead:
        """Return a user by Telegram id. Raises NotFound."""
        return await self.call("GET", f"/users/by-telegram-id/{telegram_id}", UserRead)

    async def get_or_create_user(self, sender: Sender) -> tuple[UserRead, bool]:
        """Return the user and whether it was created by this call."""
        try:
            return await self.get_user(sender.telegram_id), False
        except NotFound:
            pass
        try:
            body = UserCreate(**sender.model_dump())
            return await self.call("POST", "/users", UserRead, body=body), True
        except Conflict:  # a lost response to an earlier attempt, or the assistant was first
            return await self.get_user(sender.telegram_id), False

    async def update_user(
        self, user_id: UUID, body: UserUpdate, idempotency_key: str | None = None
    ) -> UserRead:
        """Change a user. With a key, `effect` is the receipt of changed settings."""
        return await self.call(
            "PATCH",
            f"/users/{user_id}",
            UserRead,
            body=body,
            user_id=user_id,
            idempotency_key=idempotency_key,
        )

    async def redeem_invite(self, code: str, sender: Sender) -> UserRead:
        """Redeem an invitation code. Raises a DomainError if it is invalid or has expired."""
        body = InviteRedeem(code=SecretStr(code), **sender.model_dump())
        return await self.call("POST", "/invites/redeem", UserRead, body=body)

    async def list_active_jobs(self, user_id: UUID) -> Page[CronJobRead]:
        """Return the active reminders and scheduled prompts of a user."""
        params = {"user_id": user_id, "is_active": "true", "limit": MAX_LISTED}
        return await self.call(
            "GET", "/cron-jobs", Page[CronJobRead], user_id=user_id, params=params
        )

    async def get_job(self, user_id: UUID, job_id: UUID) -> CronJobRead:
        """Return a job of a user. Raises NotFound."""
        return await self.call("GET", f"/cron-jobs/{job_id}", CronJobRead, user_id=user_id)

    async def cancel_job(self, user_id: UUID, job_id: UUID, idempotency_key: str) -> None:
        """Delete a job of a user. Raises NotFound."""
        await self.send(
            "DELETE", f"/cron-jobs/{job_id}", user_id=user_id, idempotency_key=idempotency_key
        )

    async def move_jobs(self, user_id: UUID, idempotency_key: str) -> list[CronJobRead]:
        """Let one-off jobs in other time zones come at the same local times in the user's own.

        Returns the moved jobs with their receipts.
        """
        page = await self.call(
            "POST",
            "/cron-jobs/move",
            Page[CronJobRead],
            body=JobsMove(user_id=user_id),
            user_id=user_id,
            idempotency_key=idempotency_key,
        )
        return page.items

    async def acknowledge_run(self, user_id: UUID, run_id: UUID, idempotency_key: str) -> None:
        """Mark a delivered reminder as done. Raises NotFound; Conflict if it was snoozed."""
        await self.call(
            "POST",
            f"/cron-jobs/runs/{run_id}/acknowledge",
            CronJobRunRead,
            user_id=user_id,
            idempotency_key=idempotency_key,
        )

    async def snooze_run(
        self, user_id: UUID, run_id: UUID, body: RunSnooze, idempotency_key: str
    ) -> CronJobRead:
        """Create a reminder for later. Raises NotFound; Conflict if the run was answered before."""
        return await self.call(
            "POST",
            f"/cron-jobs/runs/{run_id}/snooze",
            CronJobRead,
            body=body,
            user_id=user_id,
            idempotency_key=idempotency_key,
        )

    async def list_open_tasks(self, user_id: UUID) -> Page[TaskRead]:
        """Return the open tasks of a user, by due time."""
        params = {"user_id": user_id, "status": "open", "limit": MAX_LISTED}
        return await self.call("GET", "/tasks", Page[TaskRead], user_id=user_id, params=params)

    async def get_task(self, user_id: UUID, task_id: UUID) -> TaskRead:
        """Return a task of a user. Raises NotFound."""
        return await self.call("GET", f"/tasks/{task_id}", TaskRead, user_id=user_id)

    async def finish_task(self, user_id: UUID, task_id: UUID, idempotency_key: str) -> None:
        """Mark a task as done. Raises NotFound."""
        await self.call(
            "PATCH",
            f"/tasks/{task_id}",
            TaskRead,
            body=TaskUpdate(status="done"),
            user_id=user_id,
            idempotency_key=idempotency_key,
        )

    async def find_effect(self, user_id: UUID, message_id: str) -> EffectRead | None:
        """Return the newest receipt of what a message has changed; None if nothing."""
        params = {"user_id": user_id, "message_id": message_id, "limit": 1}
        page = await self.call("GET", "/effects", Page[EffectRead], user_id=user_id, params=params)
        return page.items[0] if page.items else None
