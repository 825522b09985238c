from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.users import UserCreate, UserRead, UserUpdate, UserUpsert
from smart_kit.errors import Conflict, InvalidRequest, NotPermitted

from ...models import Assistant, User
from ..llm_models import llm_models
from ..records.call_context import CallContext
from ..records.crud import (
    OwnerScope,
    RecordReader,
    find,
    get_provided_fields,
    lock_user,
    not_found_error,
    set_fields,
)
from .creation import get_or_create_many

RECORDS = RecordReader(User, UserRead)
ADMIN_FIELDS = {"role", "status", "daily_budget"}


async def read_by_telegram_id(
    session: AsyncSession, telegram_id: int, owner: OwnerScope
) -> UserRead:
    """Return a user. Raises NotFound."""
    row = await find_by_telegram_id(session, telegram_id)
    if row is None or owner not in (None, row.id):
        raise not_found_error("user with the Telegram id", telegram_id)
    return RECORDS.to_read(row)


async def create(
    session: AsyncSession, body: UserCreate, owner_telegram_id: int | None
) -> UserRead:
    """Create a user. Raises Conflict if the Telegram id is taken."""
    row, is_new = await get_or_create(session, body, body.telegram_id, owner_telegram_id)
    if not is_new:
        raise Conflict(f"There is already a user with the Telegram id {body.telegram_id}.")
    return RECORDS.to_read(row)


async def upsert(
    session: AsyncSession, telegram_id: int, body: UserUpsert, owner_telegram_id: int | None
) -> tuple[UserRead, bool]:
    """Create or update a user. Return the user and whether they are new.

    A known user is written only if something has changed.
    """
    row, is_new = await get_or_create(session, body, telegram_id, owner_telegram_id)
    if not is_new:
        set_fields(row, get_provided_fields(body, User))
        await session.flush()
    return RECORDS.to_read(row), is_new


async def upsert_many(
    session: AsyncSession, profiles: Sequence[UserCreate], owner_telegram_id: int | None
) -> list[tuple[User, bool]]:
    """Create or update users. Return each user and whether they are new.

    Known users are written only if something has changed.
    """
    merged: dict[int, UserCreate] = {}
    for profile in profiles:
        given = {name: getattr(profile, name) for name in profile.model_fields_set}
        earlier = merged.get(profile.telegram_id, profile)
        merged[profile.telegram_id] = earlier.model_copy(update=given)
    found = await get_or_create_many(session, merged, owner_telegram_id)
    for telegram_id, (row, is_new) in found.items():
        if not is_new:
            set_fields(row, get_provided_fields(merged[telegram_id], User))
    await session.flush()
    return [found[telegram_id] for telegram_id in merged]


async def update(context: CallContext, user_id: UUID, body: UserUpdate) -> tuple[User, User]:
    """Change a user. Return the user as it was, and as it is.

    Raises NotPermitted, NotFound, InvalidRequest.
    """
    if context.caller != "admin" and body.model_fields_set & ADMIN_FIELDS:
        raise NotPermitted(f"Changing {', '.join(sorted(ADMIN_FIELDS))} needs the admin token.")
    row = await lock_user(context.session, user_id, context.owner)
    before = User(**row.model_dump())
    fields = get_provided_fields(body, User)
    await _check_assistant_and_model(
        context.session,
        {name: value for name, value in fields.items() if value != getattr(row, name)},
    )
    set_fields(row, fields)
    await context.session.flush()
    return before, row


async def delete(session: AsyncSession, user_id: UUID) -> None:
    """Delete a user with their jobs; messages stay. Raises NotFound."""
    await session.delete(await find(session, User, user_id, lock=True))


async def find_by_telegram_id(
    session: AsyncSession, telegram_id: int, *, lock: bool = False
) -> User | None:
    """Return the user with a Telegram id, or None."""
    rows = select(User).where(User.telegram_id == telegram_id)
    return (await session.exec(rows.with_for_update() if lock else rows)).first()


async def get_or_create(
    session: AsyncSession,
    body: UserUpsert | UserCreate,
    telegram_id: int,
    owner_telegram_id: int | None,
) -> tuple[User, bool]:
    """Return the user and whether they are new. Safe under concurrent requests."""
    found = await get_or_create_many(session, {telegram_id: body}, owner_telegram_id)
    return found[telegram_id]


async def _check_assistant_and_model(session: AsyncSession, fields: dict[str, Any]) -> None:
    """Check a chosen assistant and model: the assistant service ignores others."""
    if (assistant_id := fields.get("assistant_id")) is not None:
        assistant = await find(session, Assistant, assistant_id)
        if not assistant.is_active:
            raise InvalidRequest(f"{assistant.name} is not active.")
        if not assistant.is_secretary:
            raise InvalidRequest(f"{assistant.name} is not a secretary, so users cannot choose it.")
    if (model := fields.get("model")) is not None:
        await llm_models.check_user_selectable(session, model)
