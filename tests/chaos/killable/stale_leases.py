"""Lets the next process of a service take over at once what a killed process left behind.

Leases are as long as in production, because a process that the machine stalls would lose a shorter
one. Each service runs as one process here, so a new process knows that the holder of every lease of
its service is dead, and does not have to wait until the lease or the sign of life expires.
"""

import os

from redis import Redis

from smart_kit.contracts.keys import TURNS_STREAM, bot_lease_key
from smart_kit.mailbox.keys import QueueKeys
from smart_kit.settings import RedisSettings
from smart_kit.testing.leases import expire_leases

_SETTINGS = RedisSettings()
CONSUMED_STREAMS = {
    "assistant": _SETTINGS.redis_queue_to_secretary,
    "tg_bot": _SETTINGS.redis_queue_to_telegram,
    "rest_service": TURNS_STREAM,
}
"""By service: the stream whose entries it leases."""

STALLED_SERVICE = "tg_bot"
"""Its killed processes count as stalled, those of other services as dead, so that both are seen."""


def expire_stale_leases(service: str) -> None:
    """End all leases of the service. Call it in the new process before the service starts."""
    if service not in CONSUMED_STREAMS:
        return
    with _connect() as redis:
        if redis.exists(CONSUMED_STREAMS[service]):
            for group in redis.xinfo_groups(CONSUMED_STREAMS[service]):
                expire_leases(redis, CONSUMED_STREAMS[service], group["name"])
        _set_signs_of_life(redis, service)
        if service == "tg_bot":
            bot_id, _, _ = os.environ["TELEGRAM_TOKEN"].partition(":")
            redis.delete(bot_lease_key(int(bot_id)))


def _set_signs_of_life(redis: Redis, service: str) -> None:
    stream = CONSUMED_STREAMS[service]
    for key in redis.scan_iter(f"{QueueKeys(stream).alive_prefix}*"):
        if service == STALLED_SERVICE:
            redis.persist(key)
        else:
            redis.delete(key)


def _connect() -> "Redis":
    settings = RedisSettings.load()
    password = settings.redis_password
    return Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        password=password.get_secret_value() if password else None,
        decode_responses=True,
    )
