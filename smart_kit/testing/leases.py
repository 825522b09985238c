"""Ends the leases of dead consumers at once instead of waiting."""

from typing import Any

from redis import Redis

from smart_kit.mailbox.mailbox import LEASE_SECONDS

EXPIRED_IDLE_MS = int(2000 * LEASE_SECONDS)
"""A lease that was not renewed for so long has ended."""


def expire_leases(client: "Redis", stream: str, group: str) -> None:
    """End all leases of a stream. All of their consumers must be dead."""
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
