from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import Page
from smart_kit.contracts.threads import MessageRead

from ...models import Message
from ...pagination import PageQuery, PlainText, build_page, fetch_page, select_matching
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


async def read_page(
    session: AsyncSession, query: MessageQuery, owner: OwnerScope
) -> Page[MessageRead]:
    """Return messages, newest last."""
    order = (col(Message.turn_started_at), col(Message.message_id), col(Message.position))
    order_by = (column.desc() if query.newest else column for column in order)
    rows = select_matching(Message, query, owner, *order_by)
    items, total = await fetch_page(session, rows, query)
    return build_page(map(RECORDS.to_read, items[::-1] if query.newest else items), total, query)
