"""Repairs snapshots in Redis that differ from Postgres because a publication failed."""

import asyncio
from uuid import UUID

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from smart_kit.aio import sleep_until_stopped
from smart_kit.contracts.keys import CONFIGURATION_CHANNEL, CONFIGURATION_KEY

from ..config import Settings
from ..database import SessionFactory
from ..services import clock
from ..snapshots import configuration, users
from ..snapshots.store import SnapshotStore, StoredSnapshot

RECONCILE_INTERVAL_SECONDS = 10.0
RETRY_INTERVAL_SECONDS = 1.0
_BATCH_SIZE = 500

log = structlog.stdlib.get_logger()


class SnapshotReconciler:
    """Compares the versions in Redis and Postgres.

    Redis is read first. So a version that is higher than that of Postgres cannot be newer: it comes
    from another database and is replaced.
    """

    def __init__(self, sessions: SessionFactory, store: SnapshotStore, settings: Settings) -> None:
        self._sessions = sessions
        self._store = store
        self._settings = settings
        self._has_written_all = False

    async def run(self, stop: asyncio.Event) -> None:
        """Compare until stopped. The first pass writes all: a new version may add fields."""
        while not stop.is_set():
            seconds = RECONCILE_INTERVAL_SECONDS
            try:
                await self.reconcile(rewrite_all=not self._has_written_all)
                self._has_written_all = True
            except (RedisError, SQLAlchemyError, OSError) as error:
                log.warning(
                    "snapshot reconciliation failed", reason=f"{type(error).__name__}: {error}"
                )
                seconds = RETRY_INTERVAL_SECONDS
            await sleep_until_stopped(stop, seconds)

    def health_error(self) -> str | None:
        """Return the text for /health until all snapshots have been written."""
        return None if self._has_written_all else "have not been written yet"

    async def reconcile(self, *, rewrite_all: bool = False) -> None:
        """Write the snapshots that differ and delete those without a row in Postgres."""
        await self._reconcile_configuration(rewrite_all)
        await self._reconcile_users(rewrite_all)
        if self._settings.sandbox_clock:
            await self._reconcile_clock()

    async def _reconcile_configuration(self, rewrite_all: bool) -> None:
        stored = (await self._store.get_many([CONFIGURATION_KEY])).get(
            CONFIGURATION_KEY, StoredSnapshot("")
        )
        async with self._sessions() as session:
            version = await configuration.read_version(session)
        if stored.version == version and not rewrite_all:
            return
        async with self._sessions() as session:
            snapshot = await configuration.build_snapshot(
                session, self._settings.default_model_names
            )
        await self._store.put_if_newer(
            CONFIGURATION_KEY,
            snapshot,
            channel=CONFIGURATION_CHANNEL,
            replaceable_version=_replaceable_version(stored, snapshot.version),
        )

    async def _reconcile_users(self, rewrite_all: bool) -> None:
        stored = await self._store.get_many(await self._store.list_user_keys())
        async with self._sessions() as session:
            versions = await users.read_versions(session)
        for key in stored.keys() - versions.keys():
            await self._store.delete_if_unchanged(key, stored[key])
        replaceable_versions: dict[UUID, int | None] = {}
        for key, (user_id, version) in versions.items():
            current = stored.get(key, StoredSnapshot(""))
            if rewrite_all or (current.id, current.version) != (str(user_id), version):
                replaceable_versions[user_id] = _replaceable_version(current, version)
        await self._put_users(replaceable_versions)

    async def _reconcile_clock(self) -> None:
        """Raise the smaller offset: the clock does not go back, even if one side lost its data."""
        async with self._sessions.begin() as session:
            offset = await clock.read_offset(session)
            followed = await self._store.raise_clock_offset(offset)
            if followed > offset:
                await clock.raise_offset(session, followed)

    async def _put_users(self, replaceable_versions: dict[UUID, int | None]) -> None:
        wanted = list(replaceable_versions)
        for start in range(0, len(wanted), _BATCH_SIZE):
            async with self._sessions() as session:
                batch = wanted[start : start + _BATCH_SIZE]
                snapshots = await users.build_snapshots(session, batch, self._settings.daily_budget)
            await self._store.put_users_if_newer(snapshots, replaceable_versions)


def _replaceable_version(stored: StoredSnapshot, version: int) -> int | None:
    """Return the version in Redis if it is higher: it then belongs to another database."""
    return stored.version if stored.version is not None and stored.version > version else None
