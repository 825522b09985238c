"""Follows the configuration snapshot that rest_service writes to Redis."""

import asyncio

import structlog
from prometheus_client import Gauge
from pydantic import ValidationError
from redis.exceptions import ResponseError

from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.contracts.keys import CONFIGURATION_CHANNEL, CONFIGURATION_KEY
from smart_kit.log import summarize_validation_error
from smart_kit.redis import CONNECTION_ERRORS, MAX_BLOCK_SECONDS, Redis, await_result

RECONNECT_SECONDS = 0.5
VERSION = Gauge(
    "smart_assistant_configuration_version", "Configuration version that the next message uses"
)

log = structlog.stdlib.get_logger()


class ConfigurationStore:
    """Keeps the last valid snapshot in memory, also while Redis or rest_service is unavailable."""

    def __init__(self, redis: Redis, blocking: Redis) -> None:
        self.current: ConfigurationSnapshot | None = None
        self._redis = redis
        self._blocking = blocking
        self._last_stored = ""

    async def watch(self, stop: asyncio.Event) -> None:
        """Follow announcements until `stop`; because they may be lost, also poll."""
        while not stop.is_set():
            try:
                async with self._blocking.pubsub() as announcements:
                    await announcements.subscribe(CONFIGURATION_CHANNEL)
                    while not stop.is_set():
                        await self.refresh()
                        await announcements.get_message(timeout=MAX_BLOCK_SECONDS)
            except (*CONNECTION_ERRORS, ResponseError) as error:
                log.warning("configuration unavailable", reason=str(error))
                await asyncio.sleep(RECONNECT_SECONDS)

    async def refresh(self) -> None:
        """Load the snapshot from Redis, unless it is invalid.

        Versions are not compared: rest_service guards the key, and after a restore of Postgres from
        a backup the current version is lower.
        """
        stored = await await_result(self._redis.get(CONFIGURATION_KEY))
        if stored is None or stored == self._last_stored:
            return
        self._last_stored = stored
        try:
            snapshot = ConfigurationSnapshot.model_validate_json(stored)
        except ValidationError as error:
            log.error("configuration snapshot invalid", reason=summarize_validation_error(error))
            return
        self.current = snapshot
        VERSION.set(snapshot.version)
        log.info("configuration loaded", version=snapshot.version)
