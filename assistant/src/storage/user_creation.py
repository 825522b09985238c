"""Creates users through rest_service; those who come together share a request."""

import asyncio
import copy
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import uuid4

import structlog

from smart_kit.contracts.queue import Sender
from smart_kit.contracts.users import MAX_USER_BATCH, UpsertedUser, UserCreate
from smart_kit.errors import Conflict, InvalidRequest, UpstreamUnavailable

from ..services.rest_service import RestServiceClient

log = structlog.stdlib.get_logger()


class _Waiting(NamedTuple):
    profile: UserCreate
    correlation_id: str | None
    created: asyncio.Future[UpsertedUser]


class UserCreator:
    """Sends one request at a time; who comes meanwhile is part of the next one."""

    def __init__(self, rest: RestServiceClient) -> None:
        self._rest = rest
        self._waiting: list[_Waiting] = []
        self._sending: asyncio.Task[None] | None = None

    async def create(self, sender: Sender) -> UpsertedUser:
        """Return the user, and whether they are new. Raises what RestServiceClient raises."""
        profile = sender.model_dump(include=set(UserCreate.model_fields), exclude_unset=True)
        created: asyncio.Future[UpsertedUser] = asyncio.get_running_loop().create_future()
        correlation_id = structlog.contextvars.get_contextvars().get("correlation_id")
        self._waiting.append(_Waiting(UserCreate.model_validate(profile), correlation_id, created))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_batches())
        return await created

    async def _send_batches(self) -> None:
        batch: list[_Waiting] = []
        try:
            while self._waiting:
                batch = self._waiting[:MAX_USER_BATCH]
                self._waiting = self._waiting[MAX_USER_BATCH:]
                await self._send(batch)
        finally:  # nobody may wait for a task that has ended, e.g. because it was cancelled
            left, self._waiting, self._sending = [*batch, *self._waiting], [], None
            _fail(left, UpstreamUnavailable("The request to create users was interrupted."))

    async def _send(self, batch: list[_Waiting]) -> None:
        batch = [one for one in batch if not one.created.done()]  # a caller may be cancelled
        if not batch:
            return
        try:
            with structlog.contextvars.bound_contextvars(correlation_id=_choose_id(batch)):
                found = await self._rest.upsert_users([one.profile for one in batch])
        except Exception as error:  # whatever it is, each caller has to learn of it
            # only these may be due to one profile, which must not fail the others
            if isinstance(error, InvalidRequest | Conflict) and len(batch) > 1:
                for one in batch:
                    await self._send([one])
            else:
                _fail(batch, error)
            return
        users = {one.user.telegram_id: one for one in found}
        for one in batch:
            if (user := users.get(one.profile.telegram_id)) is None:
                _fail([one], UpstreamUnavailable("rest_service returned users without this one."))
            elif not one.created.done():
                one.created.set_result(user)


def _choose_id(batch: Sequence[_Waiting]) -> str | None:
    """Return the correlation id of a request: a new one if several users share it."""
    if len(batch) == 1:
        return batch[0].correlation_id
    shared = uuid4().hex
    ids = [one.correlation_id for one in batch]
    log.info("users share a request", correlation_id=shared, correlation_ids=ids)
    return shared


def _fail(batch: Iterable[_Waiting], error: Exception) -> None:
    """Give each caller an error of its own: a shared one would collect all their tracebacks."""
    for one in batch:
        if not one.created.done():
            one.created.set_exception(copy.copy(error))
