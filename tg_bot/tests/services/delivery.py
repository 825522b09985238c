"""Lets the bot deliver queued messages, and reads the run records that it archives."""

import asyncio
from typing import Any

from prometheus_client import REGISTRY

from smart_kit.contracts.keys import TURNS_STREAM
from smart_kit.contracts.queue import ToTelegram
from smart_kit.contracts.threads import ARCHIVE_RECORD_ADAPTER, CronJobRunRecord
from smart_kit.redis import Redis, await_result
from tg_bot.tests.conftest import RunBot
from tg_bot.tests.queue_contents import enqueue_to_telegram

TELEGRAM_QUEUE = "queue:to_telegram"
LONG_TEXT = "\n".join(f"line {n}" for n in range(2000))
"""Five messages."""


async def wait_until_sent(redis: Redis) -> None:
    """Wait until the queue is empty."""
    async with asyncio.timeout(60):
        while await await_result(redis.hlen(f"{TELEGRAM_QUEUE}:active")):
            await asyncio.sleep(0.02)


async def deliver(run_bot: RunBot, redis: Redis, *messages: ToTelegram, **changes: Any) -> None:
    await enqueue_to_telegram(redis, *messages)
    async with run_bot(**changes):
        await wait_until_sent(redis)


async def read_run_states(redis: Redis) -> list[str]:
    """Return the states of the archived runs."""
    records = [
        ARCHIVE_RECORD_ADAPTER.validate_json(fields["record"])
        for _, fields in await redis.xrange(TURNS_STREAM)
    ]
    return [record.state for record in records if isinstance(record, CronJobRunRecord)]


def count_sends(outcome: str) -> float:
    """Return the count of sends with this outcome, from the metrics."""
    return REGISTRY.get_sample_value("tg_bot_sends_total", {"outcome": outcome}) or 0.0
