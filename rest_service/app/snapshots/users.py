"""Builds the snapshots of users."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Uuid, any_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.keys import user_key
from smart_kit.contracts.threads import derive_first_thread_id
from smart_kit.contracts.users import UserSnapshot

from ..array_statements import bind_array
from ..models import Thread, User

_ids = bind_array("ids", Uuid())
_SELECT_USERS = select(User).where(col(User.id) == any_(_ids))
_SELECT_THREADS = (
    select(Thread).where(col(Thread.user_id) == any_(_ids)).order_by(col(Thread.assistant_id))
)


async def build_snapshots(
    session: AsyncSession, user_ids: Iterable[UUID], daily_budget: Decimal | None
) -> list[UserSnapshot]:
    """Return the snapshots of existing users. `daily_budget` is the default."""
    users = (await session.exec(_SELECT_USERS, params={"ids": list(user_ids)})).all()
    return await add_threads(session, users, daily_budget)


async def add_threads(
    session: AsyncSession, users: Sequence[User], daily_budget: Decimal | None
) -> list[UserSnapshot]:
    """Return the snapshots of users whose rows have been read. `daily_budget` is the default."""
    ids = [user.id for user in users]
    threads = (await session.exec(_SELECT_THREADS, params={"ids": ids})).all()
    current_threads = _group_current_threads(threads)
    return [build_snapshot(user, current_threads[user.id], daily_budget) for user in users]


async def read_versions(session: AsyncSession) -> dict[str, tuple[UUID, int]]:
    """Return the id and version of all users, by the key in Redis."""
    rows = await session.exec(select(User.telegram_id, User.id, User.version))
    return {user_key(telegram_id): (user_id, version) for telegram_id, user_id, version in rows}


def _group_current_threads(threads: Sequence[Thread]) -> dict[UUID, dict[UUID, UUID]]:
    """Return each user's threads by assistant, without first threads, whose ids are derived."""
    current: dict[UUID, dict[UUID, UUID]] = defaultdict(dict)
    for thread in threads:
        if thread.thread_id != derive_first_thread_id(thread.user_id, thread.assistant_id):
            current[thread.user_id][thread.assistant_id] = thread.thread_id
    return current


def build_snapshot(
    user: User, current_threads: Mapping[UUID, UUID], daily_budget: Decimal | None
) -> UserSnapshot:
    """Return the snapshot of a user."""
    budget = daily_budget if user.daily_budget is None else user.daily_budget
    return UserSnapshot.model_validate(
        user.model_dump() | {"daily_budget": budget, "threads": current_threads}
    )
