"""Reads and records effects."""

from uuid import UUID

from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.effects import EffectKind, EffectRead

from ...models import Effect
from ...pagination import PageQuery
from ..conversations.messages import MessageId
from ..records.call_context import CallContext
from ..records.crud import RecordReader

_NEWEST_FIRST = (col(Effect.created_at).desc(), col(Effect.id))
RECORDS = RecordReader(Effect, EffectRead, order_by=_NEWEST_FIRST)


class EffectQuery(PageQuery):
    user_id: UUID | None = None
    message_id: MessageId | None = None


async def find_latest_undoable(session: AsyncSession, user_id: UUID) -> Effect | None:
    """Return the newest effect of a user that is not undone and does not undo another one."""
    undoing = aliased(Effect)
    is_undone = select(undoing.id).where(undoing.undoes == Effect.id).exists()
    rows = select(Effect).where(Effect.user_id == user_id, col(Effect.undoes).is_(None), ~is_undone)
    return (await session.exec(rows.order_by(*_NEWEST_FIRST).limit(1))).first()


async def read_undo_effect(session: AsyncSession, undone_effect: Effect) -> EffectRead:
    """Return the effect that undoes this one, which must exist."""
    rows = select(Effect).where(Effect.undoes == undone_effect.id)
    return RECORDS.to_read((await session.exec(rows)).one())


async def record(
    context: CallContext,
    user_id: UUID,
    kind: EffectKind,
    before: JsonObject | None,
    after: JsonObject | None,
    reversal: JsonObject,
) -> EffectRead | None:
    """Record an effect in the transaction of the change. Changes without an origin have none."""
    if context.origin is None:
        return None
    row = Effect(
        user_id=user_id,
        kind=kind,
        before=before,
        after=after,
        reversal=reversal,
        **context.origin._asdict(),
    )
    context.session.add(row)
    await context.session.flush()
    return RECORDS.to_read(row)
