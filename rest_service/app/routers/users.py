from uuid import UUID

from fastapi import APIRouter, Response

from smart_kit.contracts.base import Page
from smart_kit.contracts.users import (
    TelegramId,
    UpsertedUser,
    UserBatchRead,
    UserBatchUpsert,
    UserCreate,
    UserRead,
    UserUpdate,
    UserUpsert,
)

from .. import audit
from ..dependencies import (
    ActingUserDep,
    AdminOnly,
    IdempotentDep,
    OwnerDep,
    SessionDep,
    SettingsDep,
)
from ..pagination import PageQueryDep
from ..services import user_settings
from ..services.users import users
from ..session_changes import get_changes
from ..snapshots import users as user_snapshots

router = APIRouter(prefix="/users", tags=["users"])


@router.get("")
async def list_users(session: SessionDep, query: PageQueryDep, owner: OwnerDep) -> Page[UserRead]:
    """List users, oldest first."""
    return await users.RECORDS.read_page(session, query, owner)


@router.post("", status_code=201)
async def create_user(session: SessionDep, settings: SettingsDep, body: UserCreate) -> UserRead:
    """Add a user. Telegram ids are unique."""
    return await users.create(session, body, settings.owner_telegram_id)


@router.put("", operation_id="upsert_users")
async def upsert_users(
    session: SessionDep, settings: SettingsDep, body: UserBatchUpsert
) -> UserBatchRead:
    """Add unknown users and update the Telegram profiles of known ones, together."""
    audit.separate_entries(session)
    found = await users.upsert_many(session, body.profiles, settings.owner_telegram_id)
    budget = settings.daily_budget
    # a user who is new in this transaction has no threads
    built = [user_snapshots.build_snapshot(row, {}, budget) for row, is_new in found if is_new]
    if known := [row for row, is_new in found if not is_new]:
        built += await user_snapshots.add_threads(session, known, budget)
    snapshots = {snapshot.id: snapshot for snapshot in built}
    get_changes(session).user_snapshots = snapshots
    return UserBatchRead(
        users=[UpsertedUser(user=snapshots[row.id], is_new=is_new) for row, is_new in found]
    )


@router.get("/by-telegram-id/{telegram_id}")
async def get_user_by_telegram_id(
    session: SessionDep, telegram_id: TelegramId, user_id: ActingUserDep
) -> UserRead:
    """The user with this Telegram id."""
    return await users.read_by_telegram_id(session, telegram_id, user_id)


@router.put(
    "/by-telegram-id/{telegram_id}",
    responses={201: {"model": UserRead, "description": "The user is new"}},
)
async def upsert_user(
    session: SessionDep,
    settings: SettingsDep,
    telegram_id: TelegramId,
    body: UserUpsert,
    response: Response,
) -> UserRead:
    """Add an unknown user (201), or update the Telegram profile of a known one (200)."""
    owner_id = settings.owner_telegram_id
    user, is_new = await users.upsert(session, telegram_id, body, owner_id)
    response.status_code = 201 if is_new else 200
    return user


@router.get("/{user_id}")
async def get_user(session: SessionDep, user_id: UUID, owner: OwnerDep) -> UserRead:
    """One user."""
    return await users.RECORDS.read(session, user_id, owner)


@router.put("/{user_id}", operation_id="put_user")
@router.patch("/{user_id}")
async def update_user(operation: IdempotentDep, user_id: UUID, body: UserUpdate) -> UserRead:
    """Change the given fields. role, status and daily_budget need the admin token.

    Recurring reminders follow the user to another time zone.
    """
    return await operation.run(UserRead, user_settings.update, user_id, body)


@router.delete("/{user_id}", status_code=204, dependencies=[AdminOnly])
async def delete_user(session: SessionDep, user_id: UUID) -> None:
    """Delete a user with their jobs. Messages stay."""
    await users.delete(session, user_id)
