"""Brings Redis to what Postgres says where telling it of a change went wrong."""

import asyncio
from uuid import UUID

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from smart_kit.contracts.keys import CONFIGURATION_CHANNEL, CONFIGURATION_KEY, user_key

from ..config import Settings
from ..database import Sessions
from ..pause import pause
from . import configuration, users
from .store import Kept, SnapshotStore

RECONCILE_SECONDS = 10.0
RETRY_SECONDS = 1.0
_BATCH = 500

log = structlog.stdlib.get_logger()


class Reconciler:
    """Compares versions. Redis is read first: so a version that Postgres does not know cannot be a
    newer one, only one of another database, and is replaced.
    """

    def __init__(self, sessions: Sessions, store: SnapshotStore, settings: Settings) -> None:
        self._sessions = sessions
        self._store = store
        self._settings = settings
        self._has_written_all = False

    async def run(self, stop: asyncio.Event) -> None:
        """Compare regularly until stopped; at first write all, because our code may be newer."""
        while not stop.is_set():
            seconds = RECONCILE_SECONDS
            try:
                await self.reconcile(everything=not self._has_written_all)
                self._has_written_all = True
            except (RedisError, SQLAlchemyError, OSError) as error:
                log.warning(
                    "snapshots could not be compared", reason=f"{type(error).__name__}: {error}"
                )
                seconds = RETRY_SECONDS
            await pause(stop, seconds)

    def probe(self) -> str | None:
        """For /health: without snapshots nobody is answered."""
        return None if self._has_written_all else "have not been written yet"

    async def reconcile(self, *, everything: bool = False) -> None:
        """Write what differs and delete what Postgres does not have."""
        await self._configuration(everything)
        await self._users(everything)

    async def _configuration(self, everything: bool) -> None:
        kept = (await self._store.kept([CONFIGURATION_KEY])).get(CONFIGURATION_KEY, Kept(""))
        async with self._sessions() as session:
            version = await configuration.version(session)
        if kept.version == version and not everything:
            return
        async with self._sessions() as session:
            snapshot = await configuration.read(session, self._settings.model_names)
        await self._store.put(
            CONFIGURATION_KEY,
            snapshot,
            channel=CONFIGURATION_CHANNEL,
            foreign=_foreign(kept, snapshot.version),
        )

    async def _users(self, everything: bool) -> None:
        kept = await self._store.kept(await self._store.user_keys())
        async with self._sessions() as session:
            marks = await users.marks(session)
        for key in kept.keys() - marks.keys():
            await self._store.delete_unchanged(key, kept[key])
        foreign: dict[UUID, int | None] = {}
        for key, (user_id, version) in marks.items():
            there = kept.get(key, Kept(""))
            if everything or (there.id, there.version) != (str(user_id), version):
                foreign[user_id] = _foreign(there, version)
        await self._put_users(foreign)

    async def _put_users(self, foreign: dict[UUID, int | None]) -> None:
        wanted = list(foreign)
        for start in range(0, len(wanted), _BATCH):
            async with self._sessions() as session:
                batch = wanted[start : start + _BATCH]
                snapshots = await users.read(session, batch, self._settings.daily_budget)
            for user in snapshots:
                await self._store.put(user_key(user.telegram_id), user, foreign=foreign[user.id])


def _foreign(kept: Kept, version: int) -> int | None:
    """The kept version, where it belongs to another database."""
    return kept.version if kept.version is not None and kept.version > version else None
