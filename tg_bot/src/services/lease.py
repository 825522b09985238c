"""Which of several processes serves a bot: the one whose name stands in Redis.

The name stands there for a few seconds at a time. Redis forgets it by its own clock; its holder
stops a little earlier, by its own, so that one that was stopped or cut off sends nothing more when
it comes back. Two of them at once can only be where Redis has lost its data, until the next claim:
the queues keep order and drop doubles then as well.
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
"""How much of it a holder relies on: clocks run at slightly different speeds."""

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
    """One process's claim to one bot."""

    def __init__(self, redis: Redis, bot_id: int, seconds: float = LEASE_SECONDS) -> None:
        self.seconds = seconds
        self.is_standby = False
        """Whether another process has it, as Redis last said."""
        self._key = bot_lease_key(bot_id)
        self._holder = uuid4().hex
        self._claim_script = AsyncScript(redis, _CLAIM)
        self._release_script = AsyncScript(redis, _RELEASE)
        self._trusted_until = 0.0
        """Monotonic time."""

    def health_note(self) -> str:
        """For `/health`: it is well, and does nothing."""
        return "stands by: another tg_bot serves this bot" if self.is_standby else ""

    def ensure_held(self) -> None:
        """Raises TelegramFenced unless this process surely serves the bot at this moment."""
        if time.monotonic() >= self._trusted_until:
            raise LeaseNotHeld

    async def claim(self) -> bool:
        """Take or renew it; False where another process has it. Raises RedisError."""
        requested_at = time.monotonic()
        is_held = await self._claim_script(
            keys=[self._key], args=[self._holder, int(self.seconds * 1000)]
        )
        self.is_standby = not is_held
        self._trusted_until = requested_at + _TRUSTED_FRACTION * self.seconds if is_held else 0.0
        return bool(is_held)

    async def release(self) -> None:
        """Let another process have it at once. Raises RedisError."""
        self._trusted_until = 0.0
        await self._release_script(keys=[self._key], args=[self._holder])
