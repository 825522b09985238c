from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import Page
from smart_kit.contracts.threads import TurnRead

from ..models import Turn
from ..pagination import Slice, fetch, page
from .messages import MessageId
from .rows import Owner, check_owner, not_found, only_of

NOUN = "turn of the message"


class TurnSlice(Slice):
    """Which turns are wanted."""

    user_id: UUID | None = None
    thread_id: UUID | None = None


async def read_page(session: AsyncSession, wanted: TurnSlice, owner: Owner) -> Page[TurnRead]:
    """Turns, the newest first."""
    rows = select(Turn).order_by(col(Turn.started_at).desc(), col(Turn.message_id))
    rows = only_of(rows, Turn.user_id, wanted.user_id, owner)
    if wanted.thread_id is not None:
        rows = rows.where(Turn.thread_id == wanted.thread_id)
    return page(Page[TurnRead], *await fetch(session, rows, wanted), wanted)


async def read(session: AsyncSession, message_id: MessageId, owner: Owner) -> TurnRead:
    """Raises NotFound."""
    row = await session.get(Turn, message_id)
    if row is None:
        raise not_found(NOUN, message_id)
    check_owner(row.user_id, owner, NOUN, message_id)
    return TurnRead.model_validate(row, from_attributes=True)
