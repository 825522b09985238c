from uuid import UUID

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import Page
from smart_kit.contracts.threads import TurnRead

from ...models import Turn
from ...pagination import PageQuery, paginate, select_matching
from ..records.crud import OwnerScope, check_owner, not_found_error
from .messages import MessageId

NOUN = "turn of the message"


class TurnQuery(PageQuery):
    """Filters of the list of turns."""

    user_id: UUID | None = None
    thread_id: UUID | None = None


async def read_page(session: AsyncSession, query: TurnQuery, owner: OwnerScope) -> Page[TurnRead]:
    """Return turns, newest first."""
    return await paginate(
        session,
        select_matching(Turn, query, owner, col(Turn.started_at).desc(), col(Turn.message_id)),
        query,
        Page[TurnRead],
    )


async def read(session: AsyncSession, message_id: MessageId, owner: OwnerScope) -> TurnRead:
    """Return a turn. Raises NotFound."""
    row = await session.get(Turn, message_id)
    if row is None:
        raise not_found_error(NOUN, message_id)
    check_owner(row.user_id, owner, NOUN, message_id)
    return TurnRead.model_validate(row, from_attributes=True)
