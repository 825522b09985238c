"""The daily budget of a user for model calls: reserved before a call, settled after it, in Redis.

A hash for each user and day holds, in millionths of a USD, the cost or reservation of each call
(field `<message id>/<step>`), and `total`: their sum plus what was spent before the hash existed.
Field `notified` names the message whose answer has the notice that the budget is nearly used up.
"""

import asyncio
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

import structlog
from redis.commands.core import AsyncScript

from smart_kit.clock import Clock
from smart_kit.contracts.keys import budget_key
from smart_kit.contracts.users import UserSnapshot
from smart_kit.errors import DomainError, UpstreamError
from smart_kit.redis import Redis, await_result

from .rest_service import RestServiceClient

LOW_PERCENT = 80
RETENTION_SECONDS = 2 * 86_400
TIMEOUT_SECONDS = 2.0
"""Longest wait for rest_service to report what was spent before the hash existed."""

_UNKNOWN_DAY, _REFUSED = -1, -2

_SCRIPT = """
-- Sets the cost of a call, in place of its reservation or earlier cost.
-- KEYS day
-- ARGV call message cost limit ('' = never refused) low ('' = not settled) seconds spent ('' = ask)
if ARGV[3] == '0' and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
if redis.call('EXISTS', KEYS[1]) == 0 then
  if ARGV[7] == '' then return -1 end
  redis.call('HSET', KEYS[1], 'total', ARGV[7])
  redis.call('EXPIRE', KEYS[1], ARGV[6])
end
local before = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
local more = tonumber(ARGV[3]) - before
local total = tonumber(redis.call('HGET', KEYS[1], 'total') or '0') + more
if ARGV[4] ~= '' and more > 0 and total > tonumber(ARGV[4]) then return -2 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[1], 'total', string.format('%d', total))
redis.call('EXPIRE', KEYS[1], ARGV[6])
if ARGV[5] == '' or total == 0 or total < tonumber(ARGV[5]) then return 0 end
redis.call('HSETNX', KEYS[1], 'notified', ARGV[2])
if redis.call('HGET', KEYS[1], 'notified') == ARGV[2] then return 1 end
return 0
"""

log = structlog.stdlib.get_logger()


@dataclass
class DailyBudget:
    """What a user may spend in a day. Without a limit no call goes to Redis."""

    _script: AsyncScript
    _rest: RestServiceClient
    _user: UserSnapshot
    _day: date
    _is_exempt: bool
    is_low: bool = False
    """Whether the notice that the budget is nearly used up belongs to this answer."""

    async def reserve(self, key: str, cost: Decimal) -> bool:
        """Reserve a cost for the call `<message id>/<step>`, in place of its earlier reservation or
        cost. Returns False if the budget is too small."""
        limit = self._user.daily_budget
        if limit is None or not cost:
            return True
        micros = "" if self._is_exempt else _to_micros(limit, ROUND_FLOOR)
        return await self._set_cost(key, cost, limit=micros) != _REFUSED

    async def settle(self, key: str, cost: Decimal) -> None:
        """Set the actual cost of the call. Zero also removes a reservation that an interrupted
        attempt has left."""
        limit = self._user.daily_budget
        if limit is None:
            return
        # a scheduled prompt leaves the notice to the next answer of a conversation
        low = "" if self._is_exempt else _to_micros(limit * LOW_PERCENT / 100, ROUND_CEILING)
        if await self._set_cost(key, cost, low=low) == 1:
            self.is_low = True

    async def _set_cost(
        self, key: str, cost: Decimal, *, limit: int | str = "", low: int | str = ""
    ) -> int:
        keys, message_id = [budget_key(self._user.id, self._day)], key.rpartition("/")[0]
        micros = _to_micros(cost, ROUND_CEILING)
        given: list[str | int] = [key, message_id, micros, limit, low, RETENTION_SECONDS]
        found = await await_result(self._script(keys=keys, args=[*given, ""]))
        if found == _UNKNOWN_DAY:
            spent = _to_micros(await self._fetch_spent(), ROUND_CEILING)
            found = await await_result(self._script(keys=keys, args=[*given, spent]))
        return int(found)

    async def _fetch_spent(self) -> Decimal:
        """Return what rest_service knows was spent today; 0 if it does not answer in time."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return (await self._rest.get_budget(self._user.id)).spent
        except (DomainError, UpstreamError, TimeoutError) as error:
            log.warning("daily spending unavailable", reason=str(error) or "no answer in time")
            return Decimal(0)


class BudgetFactory:
    """Creates the daily budgets of all users."""

    def __init__(self, redis: Redis, rest: RestServiceClient, clock: Clock) -> None:
        self._script = AsyncScript(redis, _SCRIPT)
        self._rest = rest
        self._clock = clock

    def for_user(self, user: UserSnapshot, zone: ZoneInfo, *, exempt: bool = False) -> DailyBudget:
        """Return today's budget. If `exempt`, calls are counted but never refused."""
        today = self._clock.now(zone).date()
        return DailyBudget(self._script, self._rest, user, today, exempt)


def _to_micros(dollars: Decimal, rounding: str) -> int:
    return int((dollars * 1_000_000).to_integral_value(rounding))
