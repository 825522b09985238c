"""The daily budget of a user for model calls: reserved before a call, settled after it, in Redis.

A hash for each user and day holds, in millionths of a USD, the cost or reservation of each call
(field `<message id>/<step>`), and `total`: their sum plus what was spent before the hash existed.
Scheduled prompts may use only a share of the budget; `scheduled` is the sum of their calls. Field
`paused` names the prompt whose user was told that this share is used up, and `notified` the message
whose answer has the notice that the budget is nearly used up.
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

_UNKNOWN_DAY, _REFUSED, _SHARE_REFUSED = -1, -2, -3

_SCRIPT = """
-- Sets the cost of a call, in place of its reservation or earlier cost.
-- KEYS day
-- ARGV call message cost limit ('' = never refused) low ('' = not settled) seconds spent ('' = ask)
--      share ('' = not scheduled: the part of the limit for scheduled prompts)
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
if ARGV[8] ~= '' then
  local scheduled = tonumber(redis.call('HGET', KEYS[1], 'scheduled') or '0') + more
  if ARGV[4] ~= '' and more > 0 and scheduled > tonumber(ARGV[8]) then return -3 end
  redis.call('HSET', KEYS[1], 'scheduled', string.format('%d', scheduled))
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[1], 'total', string.format('%d', total))
redis.call('EXPIRE', KEYS[1], ARGV[6])
if ARGV[5] == '' or total == 0 or total < tonumber(ARGV[5]) then return 0 end
redis.call('HSETNX', KEYS[1], 'notified', ARGV[2])
if redis.call('HGET', KEYS[1], 'notified') == ARGV[2] then return 1 end
return 0
"""

_PAUSE_SCRIPT = """
-- Returns 1 for the message that is the first of the day to be refused.
-- KEYS day
-- ARGV message
redis.call('HSETNX', KEYS[1], 'paused', ARGV[1])
if redis.call('HGET', KEYS[1], 'paused') == ARGV[1] then return 1 end
return 0
"""

log = structlog.stdlib.get_logger()


@dataclass
class DailyBudget:
    """What a user may spend in a day. Without a limit no call goes to Redis."""

    _script: AsyncScript
    _pause_script: AsyncScript
    _rest: RestServiceClient
    _user: UserSnapshot
    _day: date
    _scheduled_share: Decimal | None
    """The share of the budget for this scheduled prompt; None: the user has written."""
    is_low: bool = False
    """Whether the notice that the budget is nearly used up belongs to this answer."""
    is_share_used_up: bool = False
    """Whether only the part for scheduled prompts was too small for the newest refused call."""

    async def reserve(self, key: str, cost: Decimal) -> bool:
        """Reserve a cost for the call `<message id>/<step>`, in place of its earlier reservation or
        cost. Returns False if the budget is too small."""
        limit = self._user.daily_budget
        if limit is None or not cost:
            return True
        found = await self._set_cost(key, cost, limit=_to_micros(limit, ROUND_FLOOR))
        self.is_share_used_up = found == _SHARE_REFUSED
        return found not in (_REFUSED, _SHARE_REFUSED)

    async def settle(self, key: str, cost: Decimal) -> None:
        """Set the actual cost of the call. Zero also removes a reservation that an interrupted
        attempt has left."""
        limit = self._user.daily_budget
        if limit is None:
            return
        # a scheduled prompt leaves the notice to the next answer of a conversation
        is_scheduled = self._scheduled_share is not None
        low = "" if is_scheduled else _to_micros(limit * LOW_PERCENT / 100, ROUND_CEILING)
        if await self._set_cost(key, cost, low=low) == 1:
            self.is_low = True

    async def claim_pause_notice(self, message_id: str) -> bool:
        """Return whether the user is to be told that scheduled prompts pause until tomorrow: with
        the first one of the day that is refused, in each attempt at it."""
        keys = [budget_key(self._user.id, self._day)]
        return bool(await await_result(self._pause_script(keys=keys, args=[message_id])))

    async def _set_cost(
        self, key: str, cost: Decimal, *, limit: int | str = "", low: int | str = ""
    ) -> int:
        keys, message_id = [budget_key(self._user.id, self._day)], key.rpartition("/")[0]
        micros = _to_micros(cost, ROUND_CEILING)
        given: list[str | int] = [key, message_id, micros, limit, low, RETENTION_SECONDS]
        share = self._compute_scheduled_limit()
        found = await await_result(self._script(keys=keys, args=[*given, "", share]))
        if found == _UNKNOWN_DAY:
            spent = _to_micros(await self._fetch_spent(), ROUND_CEILING)
            found = await await_result(self._script(keys=keys, args=[*given, spent, share]))
        return int(found)

    def _compute_scheduled_limit(self) -> int | str:
        if self._scheduled_share is None or self._user.daily_budget is None:
            return ""
        return _to_micros(self._user.daily_budget * self._scheduled_share, ROUND_FLOOR)

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

    def __init__(
        self, redis: Redis, rest: RestServiceClient, clock: Clock, scheduled_share: Decimal
    ) -> None:
        self._script = AsyncScript(redis, _SCRIPT)
        self._pause_script = AsyncScript(redis, _PAUSE_SCRIPT)
        self._rest = rest
        self._clock = clock
        self._scheduled_share = scheduled_share

    def for_user(self, user: UserSnapshot, zone: ZoneInfo, *, is_scheduled: bool) -> DailyBudget:
        """Return today's budget; a scheduled prompt may use only its share of it."""
        today = self._clock.now(zone).date()
        share = self._scheduled_share if is_scheduled else None
        return DailyBudget(self._script, self._pause_script, self._rest, user, today, share)


def _to_micros(dollars: Decimal, rounding: str) -> int:
    return int((dollars * 1_000_000).to_integral_value(rounding))
