"""Results of tool calls that may be given again, where a tool's record says so."""

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
    """In Redis, for all replicas; without Redis each call is made."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def build_key(self, record: ToolSnapshot, turn: Turn, arguments: str) -> str:
        """The same for the same call of the same person in the same zone, in which tools say
        times, until the record changes; where another assistant answers, until anything does, for
        its record is not the tool's. `arguments` are JSON, whose order does not count."""
        parts = [record.model_dump(mode="json"), json.loads(arguments), turn.zone.key]
        if record.tool_type == "sub_assistant":
            parts.append(turn.configuration_version)
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        return tool_result_key(record.id, turn.user.id, digest)

    async def get(self, key: str) -> str | None:
        """What was kept, if it is still there."""
        try:
            found = await self._redis.get(key)
        except RedisError as error:
            log.warning("cached tool result not read", reason=str(error))
            return None
        return None if found is None else str(found)

    async def set(self, key: str, content: str, ttl_seconds: int) -> None:
        """For so long."""
        try:
            await self._redis.set(key, content, ex=ttl_seconds)
        except RedisError as error:
            log.warning("tool result not cached", reason=str(error))
