"""Reads the messages in the queues, and adds messages as other services do."""

from smart_kit.contracts.queue import (
    TO_SECRETARY_ADAPTER,
    TO_TELEGRAM_ADAPTER,
    ToSecretary,
    ToTelegram,
)
from smart_kit.mailbox import DeadLetter, Envelope, Mailbox
from smart_kit.redis import Redis, await_result


async def read_secretary_queue(redis: Redis) -> list[ToSecretary]:
    """Return the messages to the assistant, by conversation."""
    return [
        TO_SECRETARY_ADAPTER.validate_json(payload)
        for payload in await _read_waiting(redis, "queue:to_secretary")
    ]


async def read_telegram_queue(redis: Redis) -> list[ToTelegram]:
    """Return the messages to be sent, by conversation."""
    return [
        TO_TELEGRAM_ADAPTER.validate_json(payload)
        for payload in await _read_waiting(redis, "queue:to_telegram")
    ]


async def read_dead_letters(redis: Redis, queue: str = "queue:to_secretary") -> list[DeadLetter]:
    """Return the dead letters of a queue, oldest first."""
    entries = await redis.xrange(f"{queue}:dead")
    return [DeadLetter.model_validate_json(fields["dead_letter"]) for _, fields in entries]


async def enqueue_to_telegram(redis: Redis, *messages: ToTelegram) -> None:
    """Add messages to queue:to_telegram, as the assistant does."""
    envelopes = (
        Envelope(message.id, message.conversation, message.model_dump_json())
        for message in messages
    )
    await Mailbox(redis, "queue:to_telegram").enqueue(*envelopes)


async def _read_waiting(redis: Redis, queue: str) -> list[str]:
    names = sorted([name async for name in redis.scan_iter(f"{queue}:waiting:*")])
    return [payload for name in names for payload in await await_result(redis.lrange(name, 0, -1))]
