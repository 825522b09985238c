"""Lets the leases of dead consumers end at once, instead of waiting until their time has passed."""

from typing import Any

from redis import Redis

from smart_kit.mailbox.mailbox import LEASE_SECONDS

EXPIRED_IDLE_MS = int(2000 * LEASE_SECONDS)
"""A lease that nobody has renewed for so long has ended."""


def expire_leases(client: "Redis", stream: str, group: str) -> None:
    """Let that time pass for all that consumers of a stream hold; only dead ones may hold it."""
    held: Any = client.xpending_range(stream, group, "-", "+", 1000)
    for one in held:
        client.xclaim(
            stream,
            group,
            one["consumer"],
            0,
            [one["message_id"]],
            idle=EXPIRED_IDLE_MS,
            justid=True,
        )
