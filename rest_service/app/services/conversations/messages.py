from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import Page
from smart_kit.contracts.threads import MessageRead

from ...models import Message
from ...pagination import PageQuery, PlainText, build_page, fetch_page
from ..records.crud import OwnerScope, check_owner, filter_by_user, find

NOUN = "message"

MessageId = Annotated[PlainText, Field(description="Of a queue message", examples=["tg:123:456"])]


class MessageQuery(PageQuery):
    """Which messages are wanted."""

    thread_id: UUID | None = None
    user_id: UUID | None = None
    message_id: MessageId | None = None
    is_in_context: bool | None = None
    newest: bool = Field(
        False, description="Count limit and offset from the newest; the order stays the same"
    )


async def read_page(
    session: AsyncSession, query: MessageQuery, owner: OwnerScope
) -> Page[MessageRead]:
    """Messages, the newest last."""
    rows = select(Message)
    if query.thread_id is not None:
        rows = rows.where(Message.thread_id == query.thread_id)
    if query.message_id is not None:
        rows = rows.where(Message.message_id == query.message_id)
    if query.is_in_context is not None:
        rows = rows.where(Message.is_in_context == query.is_in_context)
    rows = filter_by_user(rows, Message.user_id, query.user_id, owner)
    order = (col(Message.turn_started_at), col(Message.message_id), col(Message.position))
    ordered = rows.order_by(*(one.desc() if query.newest else one for one in order))
    items, total = await fetch_page(session, ordered, query)
    return build_page(Page[MessageRead], items[::-1] if query.newest else items, total, query)


async def read(session: AsyncSession, row_id: UUID, owner: OwnerScope) -> MessageRead:
    """Raises NotFound."""
    row = await find(session, Message, row_id, NOUN)
    check_owner(row.user_id, owner, NOUN, row_id)
    return MessageRead.model_validate(row, from_attributes=True)
