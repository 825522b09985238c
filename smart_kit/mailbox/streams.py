"""Consumer groups of Redis streams, for the mailbox and for the archive of turns."""

from typing import Any

from redis.exceptions import ResponseError

from smart_kit.redis import Redis

RawEntry = tuple[str, dict[str, str]]
"""The id of a stream entry and its fields."""


async def create_group(redis: Redis, stream: str, group: str) -> None:
    """Create a consumer group that reads the stream from its beginning, unless it exists."""
    try:
        await redis.xgroup_create(stream, group, id="0", mkstream=True)
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


async def read_group(
    blocking: Redis,
    stream: str,
    group: str,
    consumer: str,
    *,
    after: str = ">",
    count: int,
    timeout_seconds: float,
) -> list[RawEntry]:
    """Return new entries, or with `after` "0" those that this consumer has not acknowledged.

    An unacknowledged entry that was deleted has no fields.
    """
    block_ms = max(1, int(timeout_seconds * 1000))  # 0 would block for ever
    response: Any = await blocking.xreadgroup(
        group, consumer, {stream: after}, count=count, block=block_ms
    )
    # RESP3 answers with a dict, whose entries may be in a list of their own; RESP2 with a list
    if not isinstance(response, dict):
        response = dict(response or ())
    return [
        (entry_id, fields or {})
        for entries in response.values()
        for batch in (entries if entries and isinstance(entries[0], list) else [entries])
        for entry_id, fields in batch
    ]
