"""change_settings: where the user lives and which language the bot's own texts have."""

from functools import partial

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.builtin_functions import ChangeSettingsArguments
from smart_kit.contracts.cron_jobs import CronJobRead
from smart_kit.contracts.users import UserRead, UserUpdate
from smart_kit.errors import DomainError, UpstreamError

from ..core.journal import ToolResult
from .base import ToolContext, validate_fields
from .mutating_tool import MutatingTool
from .timezones import zone_for


class SettingsTool(MutatingTool[ChangeSettingsArguments]):
    """Changes the settings of the user who writes. Recurring reminders follow to the new zone."""

    function = "change_settings"
    arguments = ChangeSettingsArguments
    noun = "setting"

    async def _run(self, context: ToolContext, arguments: ChangeSettingsArguments) -> ToolResult:
        fields: JsonObject = arguments.model_dump(include={"language"}, exclude_none=True)
        if arguments.place is not None:
            fields["timezone"] = zone_for(arguments.place, context.turn.requested_at)
        user_id = context.turn.user.id
        change = validate_fields(UserUpdate, fields)
        remaining = await self._list_jobs_elsewhere(context, fields.get("timezone"))
        request = self._services.rest.update_user(user_id, change, context.idempotency_key)
        return await self._write(context, request, partial(_render_result, remaining))

    async def _list_jobs_elsewhere(
        self, context: ToolContext, zone: str | None
    ) -> list[CronJobRead]:
        """Return the one-off reminders at local times of another zone, which do not follow."""
        if zone is None:
            return []
        try:
            jobs = await self._services.rest.list_active_cron_jobs(context.turn.user.id)
        except (DomainError, UpstreamError):
            return []
        return [
            job
            for job in jobs
            if job.local_at is not None and job.rrule is None and job.timezone != zone
        ]


def _render_result(elsewhere: list[CronJobRead], user: UserRead) -> str:
    zone, language = user.timezone or "not chosen", user.language or "that of the app"
    text = f"Saved: time zone {zone}, language {language}."
    if not elsewhere:
        return text
    listed = "; ".join(
        f"{job.text} ({job.local_at:%a %Y-%m-%d %H:%M} {job.timezone}, id {job.id})"
        for job in elsewhere
    )
    return (
        f"{text} Recurring reminders follow. These one-time reminders keep the time of the former"
        f" zone; ask whether to move them, and if so call change_reminder with the same local time:"
        f" {listed}"
    )
