"""A repeated request changes nothing and gets the response of the first one."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Concatenate, ParamSpec, TypeVar

from pydantic import BaseModel
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update

from smart_kit.contracts.base import JsonObject
from smart_kit.errors import Conflict

from .models import IdempotencyKey
from .services.records.call_context import CallContext, ChangeOrigin

P = ParamSpec("P")
ReadT = TypeVar("ReadT", bound=BaseModel)


class IdempotentOperation:
    """Runs an action once per owner and key, in the transaction of the change.

    Of two concurrent requests the second waits at the unique index until the first has committed.
    """

    def __init__(self, context: CallContext, key: str | None, fingerprint: str) -> None:
        # a key of the form `<message id>/<step>` names the step of a turn
        message_id, _, step = (key or "").rpartition("/")
        origin = ChangeOrigin(message_id, step) if message_id and step else None
        self._context = replace(context, origin=origin)
        self._key = key
        self._fingerprint = fingerprint

    async def run(
        self,
        read_type: type[ReadT],
        action: Callable[Concatenate[CallContext, P], Awaitable[ReadT]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> ReadT:
        """Run the action or return the stored response. Raises Conflict if the key is another's."""
        stored = await self._get_stored_response()
        if stored is not None:
            return read_type.model_validate(stored)
        response = await action(self._context, *args, **kwargs)
        await self._store_response(response.model_dump(mode="json"))
        return response

    async def run_without_response(
        self,
        action: Callable[Concatenate[CallContext, P], Awaitable[None]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """Run an action that has no response body."""
        if await self._get_stored_response() is None:
            await action(self._context, *args, **kwargs)
            await self._store_response({})

    async def _get_stored_response(self) -> JsonObject | None:
        if self._key is None or await self._claim_key():
            return None
        rows = select(IdempotencyKey).where(
            IdempotencyKey.owner_id == self._context.owner, IdempotencyKey.key == self._key
        )
        stored = (await self._context.session.exec(rows)).one()
        if stored.fingerprint != self._fingerprint:
            raise Conflict("This Idempotency-Key has already been used for another request.")
        assert stored.response is not None, "the key is committed together with its response"
        return stored.response

    async def _claim_key(self) -> bool:
        row = IdempotencyKey(
            owner_id=self._context.owner, key=str(self._key), fingerprint=self._fingerprint
        )
        claim = insert(IdempotencyKey).values(**row.model_dump()).on_conflict_do_nothing()
        result = await self._context.session.exec(claim.returning(col(IdempotencyKey.id)))
        return result.scalar_one_or_none() is not None

    async def _store_response(self, response: JsonObject) -> None:
        if self._key is None:
            return
        own = update(IdempotencyKey).where(
            col(IdempotencyKey.owner_id).is_not_distinct_from(self._context.owner),
            col(IdempotencyKey.key) == self._key,
        )
        await self._context.session.exec(own.values(response=response))


def compute_fingerprint(method: str, path: str, body: bytes) -> str:
    """Return a hash that is equal for repetitions of a request, whatever the order of fields."""
    try:
        text = json.dumps(json.loads(body), sort_keys=True)
    except (ValueError, RecursionError):
        text = body.hex()
    return hashlib.sha256(f"{method} {path} {text}".encode()).hexdigest()
