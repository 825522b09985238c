"""Ends the leases that a killed process has left, when the next one of its service begins.

Leases are as long as in production, so that no living process loses one by a stall of the machine.
A dead one's would have to be waited for; but each service has one process here, so whoever begins
knows that all who hold leases of its service are dead.
"""

import os

from redis import Redis

from smart_kit.contracts.keys import TURNS_STREAM, bot_lease_key
from smart_kit.settings import RedisSettings
from smart_kit.testing.leases import expire_leases

_SETTINGS = RedisSettings()
CONSUMED_STREAMS = {
    "assistant": _SETTINGS.redis_queue_to_secretary,
    "tg_bot": _SETTINGS.redis_queue_to_telegram,
    "rest_service": TURNS_STREAM,
}
"""Who reads what with leases."""


def expire_stale_leases(service: str) -> None:
    """Call it in the process that is to be the service, before it begins to work."""
    if service not in CONSUMED_STREAMS:
        return
    with _connect() as redis:
        if redis.exists(CONSUMED_STREAMS[service]):
            for group in redis.xinfo_groups(CONSUMED_STREAMS[service]):
                expire_leases(redis, CONSUMED_STREAMS[service], group["name"])
        if service == "tg_bot":
            bot_id, _, _ = os.environ["TELEGRAM_TOKEN"].partition(":")
            redis.delete(bot_lease_key(int(bot_id)))


def _connect() -> "Redis":
    settings = RedisSettings.load()
    password = settings.redis_password
    return Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        password=password.get_secret_value() if password else None,
        decode_responses=True,
    )
