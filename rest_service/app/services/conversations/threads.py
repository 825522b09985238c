from uuid import UUID, uuid4

from sqlmodel import col, select
from sqlmodel import delete as delete_from
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import Page, utc_now
from smart_kit.contracts.threads import ThreadCreate, ThreadRead

from ...models import Assistant, DeletedThread, Message, Thread, Turn, User
from ...pagination import PageQuery, paginate, select_matching
from ..records.crud import OwnerScope, check_owner, find

NOUN = "thread"


class ThreadQuery(PageQuery):
    """Filters of the list of threads."""

    user_id: UUID | None = None
    assistant_id: UUID | None = None


async def read_page(
    session: AsyncSession, query: ThreadQuery, owner: OwnerScope
) -> Page[ThreadRead]:
    """Return current threads, oldest first."""
    return await paginate(session, select_matching(Thread, query, owner), query, Page[ThreadRead])


async def read(session: AsyncSession, thread_row_id: UUID, owner: OwnerScope) -> ThreadRead:
    """Return a thread. Raises NotFound."""
    return _to_read(await _find(session, thread_row_id, owner))


async def start(session: AsyncSession, body: ThreadCreate, owner: OwnerScope) -> ThreadRead:
    """Start a new thread. Earlier messages keep the id of the old one. Raises NotFound."""
    check_owner(body.user_id, owner, "user", body.user_id)
    await find(session, User, body.user_id, "user", lock=True)  # serializes starts
    await find(session, Assistant, body.assistant_id, "assistant")
    current = select(Thread).where(
        Thread.user_id == body.user_id, Thread.assistant_id == body.assistant_id
    )
    fresh = _build_thread(body.user_id, body.assistant_id)
    row = (await session.exec(current)).first() or fresh
    row.thread_id, row.last_used_at = fresh.thread_id, fresh.last_used_at
    session.add(row)
    await session.flush()
    return _to_read(row)


async def delete(session: AsyncSession, thread_row_id: UUID, owner: OwnerScope) -> None:
    """Delete a thread with its messages and turns; effects stay. Raises NotFound.

    A new thread replaces it at once, so that later messages do not get into the deleted one. Turns
    that are still running in it are not archived.
    """
    row = await _find(session, thread_row_id, owner)
    user = await session.get(User, row.user_id, with_for_update=True)  # see lock_owned
    row = await find(session, Thread, thread_row_id, NOUN, lock=True)
    session.add(DeletedThread(thread_id=row.thread_id))
    await session.exec(delete_from(Message).where(col(Message.thread_id) == row.thread_id))
    await session.exec(delete_from(Turn).where(col(Turn.thread_id) == row.thread_id))
    await session.delete(row)
    await session.flush()
    if user is not None and await session.get(Assistant, row.assistant_id) is not None:
        session.add(_build_thread(row.user_id, row.assistant_id))
        await session.flush()


async def _find(session: AsyncSession, thread_row_id: UUID, owner: OwnerScope) -> Thread:
    row = await find(session, Thread, thread_row_id, NOUN)
    check_owner(row.user_id, owner, NOUN, thread_row_id)
    return row


def _build_thread(user_id: UUID, assistant_id: UUID) -> Thread:
    return Thread(
        user_id=user_id, assistant_id=assistant_id, thread_id=uuid4(), last_used_at=utc_now()
    )


def _to_read(row: Thread) -> ThreadRead:
    return ThreadRead.model_validate(row, from_attributes=True)
