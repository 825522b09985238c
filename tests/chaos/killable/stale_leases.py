"""Ends the leases that a killed process left behind, when the next process of its service starts.

Leases are as long as in production, because a process that the machine stalls would lose a shorter
one. Each service runs as one process here, so a new process knows that the holder of every lease of
its service is dead, and does not have to wait until the lease expires.
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
"""By service: the stream whose entries it leases."""


def expire_stale_leases(service: str) -> None:
    """End all leases of the service. Call it in the new process before the service starts."""
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
