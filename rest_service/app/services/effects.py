"""Receipts."""

from uuid import UUID

from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject, Page
from smart_kit.contracts.effects import EffectKind, EffectRead

from ..models import Effect
from ..pagination import Slice, fetch, page
from .messages import MessageId
from .origins import Origin
from .rows import Owner, check_owner, find, only_of

NOUN = "effect"


class EffectSlice(Slice):
    """Which effects are wanted."""

    user_id: UUID | None = None
    message_id: MessageId | None = None


async def read_page(session: AsyncSession, wanted: EffectSlice, owner: Owner) -> Page[EffectRead]:
    """Effects, the newest first."""
    rows = select(Effect).order_by(col(Effect.created_at).desc(), col(Effect.id))
    rows = only_of(rows, Effect.user_id, wanted.user_id, owner)
    if wanted.message_id is not None:
        rows = rows.where(Effect.message_id == wanted.message_id)
    return page(Page[EffectRead], *await fetch(session, rows, wanted), wanted)


async def read(session: AsyncSession, effect_id: UUID, owner: Owner) -> EffectRead:
    """Raises NotFound."""
    row = await find(session, Effect, effect_id, NOUN)
    check_owner(row.user_id, owner, NOUN, effect_id)
    return _shape(row)


async def newest_standing(session: AsyncSession, user_id: UUID) -> Effect | None:
    """A person's newest effect that is neither taken back nor takes another one back."""
    undoing = aliased(Effect)
    is_undone = select(undoing.id).where(undoing.undoes == Effect.id).exists()
    rows = (
        select(Effect)
        .where(Effect.user_id == user_id, col(Effect.undoes).is_(None), ~is_undone)
        .order_by(col(Effect.created_at).desc(), col(Effect.id))
        .limit(1)
    )
    return (await session.exec(rows)).first()


async def read_undoing(session: AsyncSession, undone: Effect) -> EffectRead:
    """The effect that takes this one back, which must be there."""
    return _shape((await session.exec(select(Effect).where(Effect.undoes == undone.id))).one())


async def record(
    session: AsyncSession,
    origin: Origin | None,
    *,
    user_id: UUID,
    kind: EffectKind,
    before: JsonObject | None,
    after: JsonObject | None,
    reversal: JsonObject | None,
) -> EffectRead | None:
    """Write a receipt in the transaction of the change, where a step of a turn made it."""
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
    return _shape(row)


def _shape(row: Effect) -> EffectRead:
    return EffectRead.model_validate(row, from_attributes=True)
