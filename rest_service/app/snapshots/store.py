"""Snapshots in Redis, which never replace newer ones."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from uuid import UUID

from redis.commands.core import AsyncScript

from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.contracts.keys import CLOCK_CHANNEL, CLOCK_KEY, user_key
from smart_kit.contracts.users import UserSnapshot
from smart_kit.redis import Redis, await_result

_BATCH_SIZE = 500
_USER_KEYS = user_key(0).removesuffix("0") + "*"
_DELETE_IF_UNCHANGED = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

_RAISE_NUMBER = """
-- Raises a number and announces it. Returns the larger one.
-- KEYS number
-- ARGV number channel
local stored = tonumber(redis.call('GET', KEYS[1]) or '0')
if stored >= tonumber(ARGV[1]) then return stored end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('PUBLISH', ARGV[2], '')
return tonumber(ARGV[1])
"""

Snapshot = ConfigurationSnapshot | UserSnapshot


@dataclass(frozen=True)
class StoredSnapshot:
    """The value of a key."""

    text: str
    id: str | None = None
    version: int | None = None
    """None if the text is not a snapshot."""


class SnapshotStore:
    """Reads and writes snapshots. Raises redis-py's errors while Redis is unavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        script = (files("rest_service.app.snapshots") / "put_if_newer.lua").read_text()
        self._put_if_newer = AsyncScript(redis, script)
        self._delete_if_unchanged = AsyncScript(redis, _DELETE_IF_UNCHANGED)
        self._raise_number = AsyncScript(redis, _RAISE_NUMBER)

    async def put_if_newer(
        self,
        key: str,
        snapshot: Snapshot,
        *,
        channel: str = "",
        replaceable_version: int | None = None,
    ) -> bool:
        """Write a snapshot and announce its version. Return False if there is a newer one.

        `replaceable_version` is replaced although it looks newer.
        """
        arguments = [channel, *_build_arguments(snapshot, replaceable_version)]
        return bool(await self._put_if_newer(keys=[key], args=arguments))

    async def put_users_if_newer(
        self,
        users: Iterable[UserSnapshot],
        replaceable_versions: Mapping[UUID, int | None] = MappingProxyType({}),
    ) -> None:
        """Write snapshots of users together, without those that are older than the stored ones."""
        arguments: dict[str, list[str]] = {
            user_key(user.telegram_id): _build_arguments(user, replaceable_versions.get(user.id))
            for user in users
        }
        if arguments:
            args = ["", *(one for some in arguments.values() for one in some)]
            await self._put_if_newer(keys=list(arguments), args=args)

    async def get_many(self, keys: Iterable[str]) -> dict[str, StoredSnapshot]:
        """Return the values of the keys that exist."""
        wanted = list(keys)
        found: dict[str, StoredSnapshot] = {}
        for start in range(0, len(wanted), _BATCH_SIZE):
            batch = wanted[start : start + _BATCH_SIZE]
            texts = await await_result(self._redis.mget(batch))
            found |= {k: _parse(text) for k, text in zip(batch, texts, strict=True) if text}
        return found

    async def list_user_keys(self) -> list[str]:
        """Return the keys of all users in Redis."""
        return [key async for key in self._redis.scan_iter(match=_USER_KEYS, count=_BATCH_SIZE)]

    async def delete_if_unchanged(self, key: str, stored: StoredSnapshot) -> None:
        """Delete a key if its value is unchanged."""
        await self._delete_if_unchanged(keys=[key], args=[stored.text])

    async def raise_clock_offset(self, seconds: int) -> int:
        """Write the offset of the sandbox's clock unless Redis has a larger one; return the larger.

        The services follow the offset in Redis.
        """
        return int(await self._raise_number(keys=[CLOCK_KEY], args=[seconds, CLOCK_CHANNEL]))

    async def delete(self, keys: Iterable[str]) -> None:
        """Delete keys."""
        await await_result(self._redis.delete(*keys))

    async def notify_subscribers(self, channel: str) -> None:
        """Announce a change on a channel."""
        await await_result(self._redis.publish(channel, ""))


def _build_arguments(snapshot: Snapshot, replaceable_version: int | None) -> list[str]:
    replaceable = "" if replaceable_version is None else str(replaceable_version)
    return [str(snapshot.version), snapshot.model_dump_json(), replaceable]


def _parse(text: str) -> StoredSnapshot:
    try:
        snapshot = json.loads(text)
        return StoredSnapshot(text, snapshot.get("id"), int(snapshot["version"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return StoredSnapshot(text)
