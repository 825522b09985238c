from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import Page
from smart_kit.contracts.threads import MessageRead

from ..models import Message
from ..pagination import PlainText, Slice, fetch, page
from .rows import Owner, check_owner, find, only_of

NOUN = "message"

MessageId = Annotated[PlainText, Field(description="Of a queue message", examples=["tg:123:456"])]


class MessageSlice(Slice):
    """Which messages are wanted."""

    thread_id: UUID | None = None
    user_id: UUID | None = None
    message_id: MessageId | None = None
    newest: bool = Field(
        False, description="Count limit and offset from the newest; the order stays the same"
    )


async def read_page(session: AsyncSession, wanted: MessageSlice, owner: Owner) -> Page[MessageRead]:
    """Messages, the newest last."""
    rows = select(Message)
    if wanted.thread_id is not None:
        rows = rows.where(Message.thread_id == wanted.thread_id)
    if wanted.message_id is not None:
        rows = rows.where(Message.message_id == wanted.message_id)
    rows = only_of(rows, Message.user_id, wanted.user_id, owner)
    order = (col(Message.created_at), col(Message.message_id), col(Message.position))
    ordered = rows.order_by(*(one.desc() if wanted.newest else one for one in order))
    items, total = await fetch(session, ordered, wanted)
    return page(Page[MessageRead], items[::-1] if wanted.newest else items, total, wanted)


async def read(session: AsyncSession, row_id: UUID, owner: Owner) -> MessageRead:
    """Raises NotFound."""
    row = await find(session, Message, row_id, NOUN)
    check_owner(row.user_id, owner, NOUN, row_id)
    return MessageRead.model_validate(row, from_attributes=True)
