from uuid import UUID

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import Page
from smart_kit.contracts.threads import TurnRead

from ...models import Turn
from ...pagination import PageQuery, paginate, select_matching
from ..records.crud import OwnerScope, not_found_error
from .messages import MessageId


class TurnQuery(PageQuery):
    user_id: UUID | None = None
    thread_id: UUID | None = None


async def read_page(session: AsyncSession, query: TurnQuery, owner: OwnerScope) -> Page[TurnRead]:
    """Return turns, newest first."""
    newest_first = (col(Turn.started_at).desc(), col(Turn.message_id))
    rows = select_matching(Turn, query, owner, *newest_first)
    return await paginate(session, rows, query, _to_read)


async def read(session: AsyncSession, message_id: MessageId, owner: OwnerScope) -> TurnRead:
    """Return a turn. Raises NotFound."""
    row = await session.get(Turn, message_id)
    if row is None or owner not in (None, row.user_id):
        raise not_found_error("turn of the message", message_id)
    return _to_read(row)


def _to_read(row: Turn) -> TurnRead:
    return TurnRead.model_validate(row, from_attributes=True)
