"""Records effects on the records of users: before, after, and the request that undoes it."""

from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from smart_kit.contracts.base import Contract, JsonObject, RequestBody
from smart_kit.contracts.effects import EffectKind

from ...models.base import OwnedRecord
from ..records.call_context import CallContext
from ..records.crud import RecordReader
from . import effects

_EXCLUDED_FIELDS = {"user_id", "created_at", "updated_at", "effect"}

RowT = TypeVar("RowT", bound=OwnedRecord)
ReadT = TypeVar("ReadT", bound=Contract)


@dataclass(frozen=True)
class EffectRecorder(RecordReader[RowT, ReadT]):
    """The records of one resource and their effects. The read type has a field `effect`."""

    create_type: type[RequestBody]
    update_type: type[RequestBody]
    path: str
    volatile_fields: frozenset[str] = frozenset()
    """Fields that change without a request, for example the next fire of a job."""

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
        self, context: CallContext, row: RowT, kind: EffectKind, undo_body: JsonObject | None = None
    ) -> ReadT:
        """Return the new record with its effect. `undo_body` undoes it by PATCH, not DELETE."""
        reversal = {"method": "PATCH", "body": undo_body} if undo_body else {"method": "DELETE"}
        reversal["path"] = f"{self.path}/{row.id}"
        return await self._record(context, row, kind, None, reversal)

    async def record_changed(
        self, context: CallContext, row: RowT, kind: EffectKind, before: JsonObject
    ) -> ReadT:
        """Return the changed record with its effect."""
        body = _select_settable(before, self.update_type)
        reversal = {"method": "PATCH", "path": f"{self.path}/{row.id}", "body": body}
        return await self._record(context, row, kind, before, reversal)

    async def record_cancelled(self, context: CallContext, row: RowT, kind: EffectKind) -> None:
        """Record the effect of a record that is being deleted."""
        before = self.snapshot(row)
        body = _select_settable(before, self.create_type) | {"user_id": str(row.user_id)}
        reversal = {"method": "POST", "path": self.path, "body": body}
        await effects.record(context, row.user_id, kind, before, None, reversal)

    async def _record(
        self,
        context: CallContext,
        row: RowT,
        kind: EffectKind,
        before: JsonObject | None,
        reversal: JsonObject,
    ) -> ReadT:
        after = self.snapshot(row)
        effect = await effects.record(context, row.user_id, kind, before, after, reversal)
        return self.to_read(row).model_copy(update={"effect": effect})


def _select_settable(facts: JsonObject, body_type: type[RequestBody]) -> JsonObject:
    return {name: value for name, value in facts.items() if name in body_type.model_fields}
