"""Publishes changes to Redis, after the commit and before the response."""

import asyncio
from uuid import UUID

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from smart_kit.contracts.keys import (
    CONFIGURATION_CHANNEL,
    CONFIGURATION_KEY,
    CRON_CHANNEL,
    list_history_keys,
    user_key,
)

from ..config import Settings
from ..database import SessionFactory
from ..session_changes import ChangesToPublish
from . import configuration, users
from .store import SnapshotStore

PUBLISH_TIMEOUT_SECONDS = 2.0
"""Time limit of a publication. After that, the reconciler updates Redis."""

log = structlog.stdlib.get_logger()


class SnapshotPublisher:
    """Writes the snapshots of changed records. Replicas may do so at the same time."""

    def __init__(self, sessions: SessionFactory, store: SnapshotStore, settings: Settings) -> None:
        self._sessions = sessions
        self._store = store
        self._settings = settings

    async def publish(self, changes: ChangesToPublish) -> None:
        """Publish the changes of a committed transaction. A failure is only logged."""
        if changes == ChangesToPublish():
            return
        try:
            await self.publish_or_raise(changes)
        except (RedisError, SQLAlchemyError, OSError) as error:
            log.warning("snapshot publication failed", reason=f"{type(error).__name__}: {error}")

    async def publish_or_raise(self, changes: ChangesToPublish) -> None:
        """Publish changes. Raises while Redis or Postgres is unavailable."""
        async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
            await self._publish(changes)

    async def delete_histories(self, changes: ChangesToPublish) -> None:
        """Delete the histories of deleted threads. Raises while Redis is unavailable."""
        if changes.deleted_thread_ids:
            async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
                await self._store.delete(list_history_keys(changes.deleted_thread_ids))

    async def _publish(self, changes: ChangesToPublish) -> None:
        await self.delete_histories(changes)
        if changes.deleted_telegram_ids:
            await self._store.delete(map(user_key, changes.deleted_telegram_ids))
        await self._store.put_users_if_newer(changes.user_snapshots.values())
        user_ids = changes.user_ids - changes.user_snapshots.keys()
        if changes.configuration or user_ids:
            await self._put_snapshots(changes.configuration, user_ids)
        if changes.clock_offset_seconds is not None:
            await self._store.raise_clock_offset(changes.clock_offset_seconds)
        if changes.cron_jobs:
            await self._store.notify_subscribers(CRON_CHANNEL)

    async def _put_snapshots(self, is_configuration_changed: bool, user_ids: set[UUID]) -> None:
        async with self._sessions() as session:
            if is_configuration_changed:
                snapshot = await configuration.build_snapshot(
                    session, self._settings.default_model_names
                )
                await self._store.put_if_newer(
                    CONFIGURATION_KEY, snapshot, channel=CONFIGURATION_CHANNEL
                )
            people = await users.build_snapshots(session, user_ids, self._settings.daily_budget)
            await self._store.put_users_if_newer(people)
