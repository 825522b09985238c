"""Cache of tool results, for tools whose record allows it."""

import hashlib
import json

import structlog
from redis.exceptions import RedisError

from smart_kit.contracts.configuration import ToolSnapshot
from smart_kit.contracts.keys import tool_result_key
from smart_kit.redis import Redis

from ..core.turn import Turn

log = structlog.stdlib.get_logger()


class ToolResultCache:
    """Stored in Redis for all replicas; while Redis is unavailable nothing is cached."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def build_key(self, record: ToolSnapshot, turn: Turn, arguments: str) -> str:
        """Return the key of one call: it depends on user, time zone, tool record and arguments.

        For a sub-assistant it also depends on the version of the configuration, because the tool's
        record does not change with the assistant's. `arguments` are JSON; key order is ignored.
        """
        parts = [record.model_dump(mode="json"), json.loads(arguments), turn.zone.key]
        if record.tool_type == "sub_assistant":
            parts.append(turn.configuration_version)
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        return tool_result_key(record.id, turn.user.id, digest)

    async def get(self, key: str) -> str | None:
        """Return the cached content, if there is any."""
        try:
            found = await self._redis.get(key)
        except RedisError as error:
            log.warning("cached tool result not read", reason=str(error))
            return None
        return None if found is None else str(found)

    async def set(self, key: str, content: str, ttl_seconds: int) -> None:
        """Store the content."""
        try:
            await self._redis.set(key, content, ex=ttl_seconds)
        except RedisError as error:
            log.warning("tool result not cached", reason=str(error))
