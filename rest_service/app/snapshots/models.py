"""The models in the snapshot: active ones of active providers."""

from collections.abc import Collection, Sequence

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.configuration import ModelSnapshot, ProviderSnapshot

from ..models import LlmModel, LlmProvider


async def read_providers(session: AsyncSession) -> tuple[ProviderSnapshot, ...]:
    """Return active providers, oldest first, with encrypted keys."""
    active = select(LlmProvider).where(col(LlmProvider.is_active))
    rows = await session.exec(active.order_by(col(LlmProvider.created_at), col(LlmProvider.id)))
    return tuple(ProviderSnapshot.model_validate(row, from_attributes=True) for row in rows)


async def read_models(
    session: AsyncSession, providers: Sequence[ProviderSnapshot], names: Collection[str]
) -> tuple[ModelSnapshot, ...]:
    """Return the named models and those that users may choose, by name.

    Others are left out, because a provider may have thousands.
    """
    name = col(LlmModel.provider_model_name)
    active = select(LlmModel).where(
        col(LlmModel.is_active),
        col(LlmModel.provider_id).in_([one.id for one in providers]),
        or_(name.in_(names), col(LlmModel.is_user_selectable)),
    )
    rows = await session.exec(active.order_by(col(LlmModel.provider_model_name)))
    return tuple(_to_model_snapshot(row) for row in rows)


def _to_model_snapshot(row: LlmModel) -> ModelSnapshot:
    return ModelSnapshot.model_validate(row.model_dump() | {"name": row.provider_model_name})
