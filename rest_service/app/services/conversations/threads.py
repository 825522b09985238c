from uuid import UUID, uuid4

from sqlmodel import col, select
from sqlmodel import delete as delete_from

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.threads import ThreadCreate, ThreadRead

from ...models import Assistant, DeletedThread, Message, Thread, Turn, User
from ...pagination import PageQuery
from ..records.call_context import CallContext
from ..records.crud import RecordReader, find, find_owned, lock_user

RECORDS = RecordReader(Thread, ThreadRead)


class ThreadQuery(PageQuery):
    user_id: UUID | None = None
    assistant_id: UUID | None = None


async def start(context: CallContext, body: ThreadCreate) -> ThreadRead:
    """Start a new thread. Earlier messages keep the id of the old one. Raises NotFound."""
    session = context.session
    await lock_user(session, body.user_id, context.owner)  # serializes starts
    await find(session, Assistant, body.assistant_id)
    current = select(Thread).where(
        Thread.user_id == body.user_id, Thread.assistant_id == body.assistant_id
    )
    fresh = _build_thread(body.user_id, body.assistant_id)
    row = (await session.exec(current)).first() or fresh
    row.thread_id, row.last_used_at = fresh.thread_id, fresh.last_used_at
    session.add(row)
    await session.flush()
    return RECORDS.to_read(row)


async def delete(context: CallContext, thread_row_id: UUID) -> None:
    """Delete a thread with its messages and turns; effects stay. Raises NotFound.

    A new thread replaces it at once, so that later messages do not get into the deleted one. Turns
    that are still running in it are not archived.
    """
    session = context.session
    row = await find_owned(session, Thread, thread_row_id, context.owner)
    user = await session.get(User, row.user_id, with_for_update=True)  # see lock_owned
    row = await find(session, Thread, thread_row_id, lock=True)
    session.add(DeletedThread(thread_id=row.thread_id))
    await session.exec(delete_from(Message).where(col(Message.thread_id) == row.thread_id))
    await session.exec(delete_from(Turn).where(col(Turn.thread_id) == row.thread_id))
    await session.delete(row)
    await session.flush()
    if user is not None and await session.get(Assistant, row.assistant_id) is not None:
        session.add(_build_thread(row.user_id, row.assistant_id))
        await session.flush()


def _build_thread(user_id: UUID, assistant_id: UUID) -> Thread:
    return Thread(
        user_id=user_id, assistant_id=assistant_id, thread_id=uuid4(), last_used_at=utc_now()
    )
