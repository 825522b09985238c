"""Snapshots in Redis: written unless a newer one is there."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

from redis.commands.core import AsyncScript

from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.contracts.keys import user_key
from smart_kit.contracts.users import UserSnapshot
from smart_kit.redis import Redis, answer

_BATCH = 500
_USER_KEYS = user_key(0).removesuffix("0") + "*"
_DELETE_UNCHANGED = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

Snapshot = ConfigurationSnapshot | UserSnapshot


@dataclass(frozen=True)
class Kept:
    """What a key holds."""

    text: str
    id: str | None = None
    version: int | None = None
    """None where the text is no snapshot."""


class SnapshotStore:
    """The keys. Every call raises redis-py's errors while Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        script = (files("rest_service.app.snapshots") / "put.lua").read_text()
        self._put = AsyncScript(redis, script)
        self._delete_unchanged = AsyncScript(redis, _DELETE_UNCHANGED)

    async def put(
        self, key: str, snapshot: Snapshot, *, channel: str = "", foreign: int | None = None
    ) -> bool:
        """Keep a snapshot and announce its version; False where a newer one is there.

        `foreign` is a version that may be replaced although it looks newer.
        """
        replaceable = "" if foreign is None else str(foreign)
        arguments = [str(snapshot.version), snapshot.model_dump_json(), channel, replaceable]
        return bool(await self._put(keys=[key], args=arguments))

    async def kept(self, keys: Iterable[str]) -> dict[str, Kept]:
        """What those of the keys hold that exist."""
        wanted = list(keys)
        found: dict[str, Kept] = {}
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            texts = await answer(self._redis.mget(batch))
            found |= {k: _parse(text) for k, text in zip(batch, texts, strict=True) if text}
        return found

    async def user_keys(self) -> list[str]:
        """The keys of all users that are there."""
        return [key async for key in self._redis.scan_iter(match=_USER_KEYS, count=_BATCH)]

    async def delete_unchanged(self, key: str, kept: Kept) -> None:
        """Delete a key that still holds this."""
        await self._delete_unchanged(keys=[key], args=[kept.text])

    async def delete(self, keys: Iterable[str]) -> None:
        """Delete keys, whatever they hold."""
        await answer(self._redis.delete(*keys))

    async def announce(self, channel: str) -> None:
        """Say that something has changed."""
        await answer(self._redis.publish(channel, ""))


def _parse(text: str) -> Kept:
    try:
        snapshot = json.loads(text)
        return Kept(text, snapshot.get("id"), int(snapshot["version"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Kept(text)
