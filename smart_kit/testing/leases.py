"""Lets the leases of dead consumers end at once, instead of waiting until their time has passed."""

from redis import Redis

from smart_kit.mailbox.mailbox import LEASE_SECONDS

PAST_MS = int(2000 * LEASE_SECONDS)
"""A lease that nobody has renewed for so long has ended."""


def end_leases(client: "Redis", stream: str, group: str) -> None:
    """Let that time pass for all that consumers of a stream hold; only dead ones may hold it."""
    for one in client.xpending_range(stream, group, "-", "+", 1000):
        consumer, entry = one["consumer"], str(one["message_id"])
        client.xclaim(stream, group, consumer, 0, [entry], idle=PAST_MS, justid=True)
