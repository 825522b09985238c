"""Records effects on the records of users: before, after, and the request that undoes it."""

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
    """The effects of one resource. Its read type has a field `effect`."""

    collection_path: str
    table: type[RowT]
    read_type: type[ReadT]
    create_type: type[RequestBody]
    update_type: type[RequestBody]
    volatile_fields: frozenset[str] = frozenset()
    """Fields that change without a request, for example the next fire of a job."""

    def to_read(self, row: RowT) -> ReadT:
        """Return the record in its read type."""
        return self.read_type.model_validate(row, from_attributes=True)

    def snapshot(self, row: RowT) -> JsonObject:
        """Return the fields of a record that an effect stores."""
        return self.to_read(row).model_dump(mode="json", exclude=_EXCLUDED_FIELDS)

    def matches(self, row: RowT, facts: JsonObject) -> bool:
        """Return whether a record is unchanged since an effect, which may lack newer fields."""
        now = self.snapshot(row)
        compared = (facts.keys() & now.keys()) - self.volatile_fields
        return all(now[name] == facts[name] for name in compared)

    def rebuild(self, facts: JsonObject, user_id: UUID) -> RowT:
        """Return a deleted record with its former id."""
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
        """Return the new record with its effect. `undo_body` undoes it by PATCH, not DELETE."""
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
        """Return the changed record with its effect."""
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
        """Record the effect of a record that is being deleted."""
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
    return {name: value for name, value in facts.items() if name in body_type.model_fields}
