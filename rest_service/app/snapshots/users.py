"""People as the other services know them without asking."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.keys import user_key
from smart_kit.contracts.threads import first_thread_id
from smart_kit.contracts.users import UserSnapshot

from ..models import Thread, User


async def read(session: AsyncSession, user_ids: Iterable[UUID]) -> list[UserSnapshot]:
    """The snapshots of those of them who exist."""
    ids = list(user_ids)
    users = (await session.exec(select(User).where(col(User.id).in_(ids)))).all()
    threads = (await session.exec(select(Thread).where(col(Thread.user_id).in_(ids)))).all()
    return _snapshots(users, threads)


async def marks(session: AsyncSession) -> dict[str, tuple[UUID, int]]:
    """Everybody's id and version, by the key in Redis."""
    rows = await session.exec(select(User.telegram_id, User.id, User.version))
    return {user_key(telegram_id): (user_id, version) for telegram_id, user_id, version in rows}


def _snapshots(users: Sequence[User], threads: Sequence[Thread]) -> list[UserSnapshot]:
    begun: dict[UUID, dict[UUID, UUID]] = defaultdict(dict)
    for thread in threads:
        if thread.thread_id != first_thread_id(thread.user_id, thread.assistant_id):
            begun[thread.user_id][thread.assistant_id] = thread.thread_id
    return [
        UserSnapshot.model_validate(user.model_dump() | {"threads": begun[user.id]})
        for user in users
    ]
