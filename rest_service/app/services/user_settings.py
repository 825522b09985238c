"""Changes of users, with what follows from them: moved jobs, and a receipt of changed settings."""

from uuid import UUID

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.users import UserRead, UserUpdate

from ..models import User
from .cron_jobs import timezone_moves
from .effects import effects
from .records.call_context import CallContext
from .users import users

_FIELDS = {"timezone", "language"}
"""What users tell the bot about themselves; changes can be undone."""


async def update(context: CallContext, user_id: UUID, body: UserUpdate) -> UserRead:
    """Change a user. Recurring jobs follow to another time zone.

    Raises NotPermitted, NotFound, InvalidRequest.
    """
    before, user = await users.update(context, user_id, body)
    zones = [row.get_timezone(context.default_timezone) for row in (before, user)]
    if zones[0] != zones[1]:
        await timezone_moves.move_recurring(context.session, user, *zones)
    read = users.RECORDS.to_read(user)
    if (settings := _select(user)) == _select(before):
        return read
    effect = await effects.record(
        context,
        user.id,
        "settings_changed",
        _select(before),
        settings,
        {"method": "PATCH", "path": f"/api/users/{user.id}", "body": _select(before)},
    )
    return read.model_copy(update={"effect": effect})


def _select(user: User) -> JsonObject:
    return user.model_dump(include=_FIELDS)
