"""Single-use invitation codes."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import func as sql
from sqlmodel import and_, col, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.users import (
    InviteCreate,
    InviteRead,
    InviteRedeem,
    Role,
    UserRead,
    UserUpsert,
)
from smart_kit.errors import Conflict, NotFound, NotPermitted

from ...models import Invite, User
from . import users

CODE_LIFETIME = timedelta(hours=1)
_CODE_BYTES = 16
_OWNER_LOCK_ID = 7_241_002
"""Postgres advisory lock: of two concurrent requests only one creates an owner."""


async def create(session: AsyncSession, body: InviteCreate) -> InviteRead:
    """Create a code. Raises Conflict for an owner if there is one already."""
    if body.role == "owner":
        await _check_no_owner(session)
    code = secrets.token_urlsafe(_CODE_BYTES)
    expires_at = utc_now() + CODE_LIFETIME
    session.add(Invite(code_hash=_hash(code), role=body.role, expires_at=expires_at))
    await session.flush()
    return InviteRead(code=code, role=body.role, expires_at=expires_at)


async def redeem(
    session: AsyncSession, body: InviteRedeem, owner_telegram_id: int | None
) -> UserRead:
    """Mark the user as invited. The same user may send the same code again.

    Raises NotFound for a code that is unknown, used or expired, NotPermitted for a blocked user,
    Conflict for an owner if there is one already.
    """
    existing = await users.find_by_telegram_id(session, body.telegram_id, lock=True)
    if existing is not None and existing.status == "blocked":
        raise NotPermitted("This user is blocked.")
    role = await _redeem_code(session, _hash(body.code.get_secret_value()), body.telegram_id)
    profile = UserUpsert(**body.model_dump(include=set(UserUpsert.model_fields)))
    row, _ = await users.get_or_create(session, profile, body.telegram_id, owner_telegram_id)
    if role == "owner" and row.role != "owner":
        await _check_no_owner(session)
        row.role = "owner"
    row.is_invited = True
    await session.flush()
    return users.RECORDS.to_read(row)


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


async def _redeem_code(session: AsyncSession, code_hash: str, telegram_id: int) -> Role:
    unused = and_(col(Invite.used_at).is_(None), col(Invite.expires_at) > sql.now())
    statement = (
        update(Invite)
        .where(col(Invite.code_hash) == code_hash, or_(unused, Invite.used_by == telegram_id))
        .values(used_at=sql.now(), used_by=telegram_id)
        .returning(col(Invite.role))
    )
    role: Role | None = (await session.exec(statement)).scalar_one_or_none()
    if role is None:
        raise NotFound("This invitation code is unknown, used or expired.")
    return role


async def _check_no_owner(session: AsyncSession) -> None:
    await session.exec(select(sql.pg_advisory_xact_lock(_OWNER_LOCK_ID)))
    if (await session.exec(select(User.id).where(User.role == "owner").limit(1))).first():
        raise Conflict("There is already an owner.")
