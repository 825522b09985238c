"""Reads and records effects."""

from uuid import UUID

from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject, Page
from smart_kit.contracts.effects import EffectKind, EffectRead

from ...models import Effect
from ...pagination import PageQuery, paginate, select_matching
from ..conversations.messages import MessageId
from ..records.crud import OwnerScope, check_owner, find
from .change_origin import ChangeOrigin

NOUN = "effect"


class EffectQuery(PageQuery):
    """Filters of the list of effects."""

    user_id: UUID | None = None
    message_id: MessageId | None = None


async def read_page(
    session: AsyncSession, query: EffectQuery, owner: OwnerScope
) -> Page[EffectRead]:
    """Return effects, newest first."""
    return await paginate(
        session,
        select_matching(Effect, query, owner, col(Effect.created_at).desc(), col(Effect.id)),
        query,
        Page[EffectRead],
    )


async def read(session: AsyncSession, effect_id: UUID, owner: OwnerScope) -> EffectRead:
    """Return an effect. Raises NotFound."""
    row = await find(session, Effect, effect_id, NOUN)
    check_owner(row.user_id, owner, NOUN, effect_id)
    return _to_read(row)


async def find_latest_undoable(session: AsyncSession, user_id: UUID) -> Effect | None:
    """Return the newest effect of a user that is not undone and does not undo another one."""
    undoing = aliased(Effect)
    is_undone = select(undoing.id).where(undoing.undoes == Effect.id).exists()
    rows = (
        select(Effect)
        .where(Effect.user_id == user_id, col(Effect.undoes).is_(None), ~is_undone)
        .order_by(col(Effect.created_at).desc(), col(Effect.id))
        .limit(1)
    )
    return (await session.exec(rows)).first()


async def read_undo_effect(session: AsyncSession, undone_effect: Effect) -> EffectRead:
    """Return the effect that undoes this one, which must exist."""
    return _to_read(
        (await session.exec(select(Effect).where(Effect.undoes == undone_effect.id))).one()
    )


async def record(
    session: AsyncSession,
    origin: ChangeOrigin | None,
    *,
    user_id: UUID,
    kind: EffectKind,
    before: JsonObject | None,
    after: JsonObject | None,
    reversal: JsonObject | None,
) -> EffectRead | None:
    """Record an effect in the transaction of the change. Changes without an origin have none."""
    if origin is None:
        return None
    row = Effect(
        user_id=user_id,
        kind=kind,
        before=before,
        after=after,
        reversal=reversal,
        undoes=origin.undoes,
        message_id=origin.message_id,
        step=origin.step,
    )
    session.add(row)
    await session.flush()
    return _to_read(row)


def _to_read(row: Effect) -> EffectRead:
    return EffectRead.model_validate(row, from_attributes=True)
