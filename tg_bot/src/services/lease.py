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

from ..client.errors import TelegramFenced

LEASE_SECONDS = 5.0

_TRUSTED = 0.9
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


class Lease:
    """One process's claim to one bot."""

    def __init__(self, redis: Redis, bot_id: int, seconds: float = LEASE_SECONDS) -> None:
        self.seconds = seconds
        self.stands_by = False
        """Whether another process has it, as Redis last said."""
        self._key = bot_lease_key(bot_id)
        self._holder = uuid4().hex
        self._claim = AsyncScript(redis, _CLAIM)
        self._release = AsyncScript(redis, _RELEASE)
        self._trusted_until = 0.0
        """Monotonic time."""

    def note(self) -> str:
        """For `/health`: it is well, and does nothing."""
        return "stands by: another tg_bot serves this bot" if self.stands_by else ""

    def check(self) -> None:
        """Raises TelegramFenced unless this process surely serves the bot at this moment."""
        if time.monotonic() >= self._trusted_until:
            raise TelegramFenced

    async def claim(self) -> bool:
        """Take or renew it; False where another process has it. Raises RedisError."""
        asked_at = time.monotonic()
        answered = await self._claim(
            keys=[self._key], args=[self._holder, int(self.seconds * 1000)]
        )
        self.stands_by = not answered
        self._trusted_until = asked_at + _TRUSTED * self.seconds if answered else 0.0
        return bool(answered)

    async def release(self) -> None:
        """Let another process have it at once. Raises RedisError."""
        self._trusted_until = 0.0
        await self._release(keys=[self._key], args=[self._holder])
