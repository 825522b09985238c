"""What is told of a change to somebody's record: the facts before and after, and the way back."""

from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import Contract, JsonObject, RequestBody
from smart_kit.contracts.effects import EffectKind

from ...models.base import OwnedRecord
from . import effects
from .change_origin import ChangeOrigin

_EXCLUDED_FIELDS = {"user_id", "created_at", "updated_at", "effect"}

RowT = TypeVar("RowT", bound=OwnedRecord)
ReadT = TypeVar("ReadT", bound=Contract)


@dataclass(frozen=True)
class Receipts(Generic[RowT, ReadT]):
    """The receipts of one resource. What is read has the field `effect` for them."""

    collection_path: str
    table: type[RowT]
    read_type: type[ReadT]
    create_type: type[RequestBody]
    update_type: type[RequestBody]
    volatile_fields: frozenset[str] = frozenset()
    """Facts that change although nobody changes them."""

    def to_read(self, row: RowT) -> ReadT:
        """The record as callers see it."""
        return self.read_type.model_validate(row, from_attributes=True)

    def snapshot(self, row: RowT) -> JsonObject:
        """What a receipt says of a record."""
        return self.to_read(row).model_dump(mode="json", exclude=_EXCLUDED_FIELDS)

    def matches(self, row: RowT, facts: JsonObject) -> bool:
        """Whether a record is as its receipt says; one of an earlier version may say less."""
        now = self.snapshot(row)
        compared = (facts.keys() & now.keys()) - self.volatile_fields
        return all(now[name] == facts[name] for name in compared)

    def rebuild(self, facts: JsonObject, user_id: UUID) -> RowT:
        """A record as it was, with its own id."""
        return self.table.model_validate(facts | {"user_id": user_id})

    async def record_created(
        self,
        session: AsyncSession,
        row: RowT,
        origin: ChangeOrigin | None,
        kind: EffectKind,
        *,
        undo_body: JsonObject | None = None,
    ) -> ReadT:
        """The new record, with its receipt. `undone_by`: a change, where it is not deleted."""
        reversal = {"method": "PATCH", "body": undo_body} if undo_body else {"method": "DELETE"}
        return await self._record(
            session,
            row,
            origin,
            kind,
            before=None,
            reversal=reversal | {"path": f"{self.collection_path}/{row.id}"},
        )

    async def record_changed(
        self,
        session: AsyncSession,
        row: RowT,
        before: JsonObject,
        origin: ChangeOrigin | None,
        kind: EffectKind,
    ) -> ReadT:
        """The changed record, with its receipt."""
        return await self._record(
            session,
            row,
            origin,
            kind,
            before=before,
            reversal={
                "method": "PATCH",
                "path": f"{self.collection_path}/{row.id}",
                "body": _select_settable(before, self.update_type),
            },
        )

    async def record_cancelled(
        self, session: AsyncSession, row: RowT, origin: ChangeOrigin | None, kind: EffectKind
    ) -> None:
        """The receipt of a record that is no more."""
        before = self.snapshot(row)
        body = _select_settable(before, self.create_type) | {"user_id": str(row.user_id)}
        await effects.record(
            session,
            origin,
            user_id=row.user_id,
            kind=kind,
            before=before,
            after=None,
            reversal={"method": "POST", "path": self.collection_path, "body": body},
        )

    async def _record(
        self,
        session: AsyncSession,
        row: RowT,
        origin: ChangeOrigin | None,
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
            after=self.snapshot(row),
            reversal=reversal,
        )
        return self.to_read(row).model_copy(update={"effect": effect})


def _select_settable(facts: JsonObject, body_type: type[RequestBody]) -> JsonObject:
    """The facts that a call can set."""
    return {name: value for name, value in facts.items() if name in body_type.model_fields}
