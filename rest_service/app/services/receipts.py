"""What is told of a change to somebody's record: the facts before and after, and the way back."""

from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import Command, Contract, JsonObject
from smart_kit.contracts.effects import EffectKind

from ..models.base import OwnedRecord
from . import effects
from .origins import Origin

_NOT_FACTS = {"user_id", "created_at", "updated_at", "effect"}

RowT = TypeVar("RowT", bound=OwnedRecord)
ReadT = TypeVar("ReadT", bound=Contract)


@dataclass(frozen=True)
class Receipts(Generic[RowT, ReadT]):
    """The receipts of one resource. What is read has the field `effect` for them."""

    path: str
    table: type[RowT]
    read: type[ReadT]
    create: type[Command]
    update: type[Command]
    passing: frozenset[str] = frozenset()
    """Facts that change although nobody changes them."""

    def shape(self, row: RowT) -> ReadT:
        """The record as callers see it."""
        return self.read.model_validate(row, from_attributes=True)

    def facts(self, row: RowT) -> JsonObject:
        """What a receipt says of a record."""
        return self.shape(row).model_dump(mode="json", exclude=_NOT_FACTS)

    def is_still(self, row: RowT, facts: JsonObject) -> bool:
        """Whether a record is as its receipt says; one of an earlier version may say less."""
        now = self.facts(row)
        compared = (facts.keys() & now.keys()) - self.passing
        return all(now[name] == facts[name] for name in compared)

    def again(self, facts: JsonObject, user_id: UUID) -> RowT:
        """A record as it was, with its own id."""
        return self.table.model_validate(facts | {"user_id": user_id})

    async def created(
        self,
        session: AsyncSession,
        row: RowT,
        origin: Origin | None,
        kind: EffectKind,
        *,
        undone_by: JsonObject | None = None,
    ) -> ReadT:
        """The new record, with its receipt. `undone_by`: a change, where it is not deleted."""
        way_back = {"method": "PATCH", "body": undone_by} if undone_by else {"method": "DELETE"}
        return await self._tell(
            session,
            row,
            origin,
            kind,
            before=None,
            reversal=way_back | {"path": f"{self.path}/{row.id}"},
        )

    async def changed(
        self,
        session: AsyncSession,
        row: RowT,
        before: JsonObject,
        origin: Origin | None,
        kind: EffectKind,
    ) -> ReadT:
        """The changed record, with its receipt."""
        return await self._tell(
            session,
            row,
            origin,
            kind,
            before=before,
            reversal={
                "method": "PATCH",
                "path": f"{self.path}/{row.id}",
                "body": _settable(before, self.update),
            },
        )

    async def cancelled(
        self, session: AsyncSession, row: RowT, origin: Origin | None, kind: EffectKind
    ) -> None:
        """The receipt of a record that is no more."""
        before = self.facts(row)
        body = _settable(before, self.create) | {"user_id": str(row.user_id)}
        await effects.record(
            session,
            origin,
            user_id=row.user_id,
            kind=kind,
            before=before,
            after=None,
            reversal={"method": "POST", "path": self.path, "body": body},
        )

    async def _tell(
        self,
        session: AsyncSession,
        row: RowT,
        origin: Origin | None,
        kind: EffectKind,
        *,
        before: JsonObject | None,
        reversal: JsonObject,
    ) -> ReadT:
        effect = await effects.record(
            session,
            origin,
            user_id=row.user_id,
            kind=kind,
            before=before,
            after=self.facts(row),
            reversal=reversal,
        )
        return self.shape(row).model_copy(update={"effect": effect})


def _settable(facts: JsonObject, shape: type[Command]) -> JsonObject:
    """The facts that a call can set."""
    return {name: value for name, value in facts.items() if name in shape.model_fields}
