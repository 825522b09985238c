from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.threads import MessagePage, MessageRead

from ...models import Message
from ...pagination import PageQuery, PlainText, count_rows, fetch_rows, select_matching
from ..records.crud import OwnerScope, RecordReader

RECORDS = RecordReader(Message, MessageRead)

MessageId = Annotated[PlainText, Field(description="A queue message", examples=["tg:123:456"])]


class MessageQuery(PageQuery):
    thread_id: UUID | None = None
    user_id: UUID | None = None
    message_id: MessageId | None = None
    is_in_context: bool | None = None
    newest: bool = Field(
        False, description="Count limit and offset from the newest message; the order is the same"
    )
    with_total: bool = Field(
        True,
        description="false: `total` is null. Counting the messages of a long thread takes much"
        " longer than reading a page",
    )


async def read_page(session: AsyncSession, query: MessageQuery, owner: OwnerScope) -> MessagePage:
    """Return messages, newest last."""
    order = (col(Message.turn_started_at), col(Message.message_id), col(Message.position))
    order_by = (column.desc() if query.newest else column for column in order)
    rows = select_matching(Message, query, owner, *order_by)
    total = await count_rows(session, rows) if query.with_total else None
    page = await fetch_rows(session, rows, query)
    items = [RECORDS.to_read(row) for row in (reversed(page) if query.newest else page)]
    return MessagePage(items=items, total=total, limit=query.limit, offset=query.offset)
