"""Reads what waits in the queues, and writes to them as other services do."""

from smart_kit.contracts.queue import TO_SECRETARY, TO_TELEGRAM, ToSecretary, ToTelegram
from smart_kit.mailbox import DeadLetter, Letter, Mailbox
from smart_kit.redis import Redis, answer


async def to_secretary(redis: Redis) -> list[ToSecretary]:
    """Waiting for the assistant, by conversation."""
    return [TO_SECRETARY.validate_json(one) for one in await _waiting(redis, "queue:to_secretary")]


async def to_telegram(redis: Redis) -> list[ToTelegram]:
    """Waiting to be sent, by conversation."""
    return [TO_TELEGRAM.validate_json(one) for one in await _waiting(redis, "queue:to_telegram")]


async def dead_letters(redis: Redis, queue: str = "queue:to_secretary") -> list[DeadLetter]:
    """The dead letters of a queue, oldest first."""
    entries = await redis.xrange(f"{queue}:dead")
    return [DeadLetter.model_validate_json(fields["letter"]) for _, fields in entries]


async def send(redis: Redis, *messages: ToTelegram) -> None:
    """Put messages into `queue:to_telegram`, as the assistant does."""
    letters = (Letter(one.id, one.conversation, one.model_dump_json()) for one in messages)
    await Mailbox(redis, "queue:to_telegram").enqueue(*letters)


async def _waiting(redis: Redis, queue: str) -> list[str]:
    names = sorted([name async for name in redis.scan_iter(f"{queue}:waiting:*")])
    return [one for name in names for one in await answer(redis.lrange(name, 0, -1))]
