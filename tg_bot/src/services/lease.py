"""Leader election: of several processes, the holder of a lease in Redis serves the bot.

The lease expires after a few seconds by Redis's clock, and a little earlier by the holder's clock.
A process that was suspended or disconnected therefore sends nothing when it comes back. Two
processes can only be active at once if Redis has lost its data, until the next claim. Even then the
queues keep their order and drop duplicates.
"""

import time
from typing import Final
from uuid import uuid4

from redis.commands.core import AsyncScript

from smart_kit.contracts.keys import bot_lease_key
from smart_kit.redis import Redis

from ..client.errors import LeaseNotHeld

LEASE_SECONDS = 5.0

_TRUSTED_FRACTION = 0.9
"""The share of the lease that the holder trusts: clocks run at slightly different speeds."""

_CLAIM: Final = """
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then
    return 0
end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 1
"""

_RELEASE: Final = """
if redis.call("GET", KEYS[1]) == ARGV[1] then
    redis.call("DEL", KEYS[1])
end
"""


class LeaderLease:
    """One process's lease of one bot."""

    def __init__(self, redis: Redis, bot_id: int, seconds: float = LEASE_SECONDS) -> None:
        self.seconds = seconds
        self.is_standby = False
        """Whether another process held the lease at the last claim."""
        self._key = bot_lease_key(bot_id)
        self._holder = uuid4().hex
        self._claim_script = AsyncScript(redis, _CLAIM)
        self._release_script = AsyncScript(redis, _RELEASE)
        self._trusted_until = 0.0
        """Monotonic time until which this process surely holds the lease."""

    def health_note(self) -> str:
        """Return a note for `/health` if another process serves the bot."""
        return "stands by: another tg_bot serves this bot" if self.is_standby else ""

    def ensure_held(self) -> None:
        """Raise LeaseNotHeld unless this process surely holds the lease now."""
        if time.monotonic() >= self._trusted_until:
            raise LeaseNotHeld

    async def claim(self) -> bool:
        """Take or renew the lease; False if another process holds it. Raises RedisError."""
        requested_at = time.monotonic()
        is_held = await self._claim_script(
            keys=[self._key], args=[self._holder, int(self.seconds * 1000)]
        )
        self.is_standby = not is_held
        self._trusted_until = requested_at + _TRUSTED_FRACTION * self.seconds if is_held else 0.0
        return bool(is_held)

    async def release(self) -> None:
        """Give the lease up, so that another process can take it at once. Raises RedisError."""
        self._trusted_until = 0.0
        await self._release_script(keys=[self._key], args=[self._holder])
