"""Access to Redis: the queues and the announcements of changed jobs."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from redis.exceptions import RedisError

from smart_kit.contracts.keys import ACTIVE_BOT_KEY, CRON_CHANNEL
from smart_kit.contracts.queue import (
    BotIdentity,
    Notification,
    NotificationPriority,
    QueueMessage,
    ScheduledPrompt,
)
from smart_kit.mailbox import Envelope, Mailbox
from smart_kit.redis import Redis, await_result

RECONNECT_DELAY_SECONDS = 1.0
POLL_TIMEOUT_SECONDS = 0.5
"""Longest wait for an announcement; short, so that a stop is quick."""

log = structlog.stdlib.get_logger()


class RedisClient:
    """Sends to both queues and listens for the changes that rest_service announces."""

    def __init__(
        self, redis: Redis, blocking: Redis, to_telegram: Mailbox, to_secretary: Mailbox
    ) -> None:
        self._redis = redis
        self._blocking = blocking
        self._to_telegram = to_telegram
        self._to_secretary = to_secretary

    async def get_bot_id(self) -> int | None:
        """Return the id of the bot that tg_bot serves, or None if tg_bot has not started yet."""
        payload = await await_result(self._redis.get(ACTIVE_BOT_KEY))
        return BotIdentity.model_validate_json(payload).id if payload else None

    async def send_notification(
        self, chat_id: int, message: str, priority: NotificationPriority, **fields: Any
    ) -> None:
        """Put a message into tg_bot's queue, which drops those it had before.

        It makes a sound if its priority is high. `fields` are the other ones of Notification.
        Calls of the same moment share one round trip.
        """
        notification = Notification(chat_id=chat_id, text=message, priority=priority, **fields)
        await _enqueue(self._to_telegram, notification)

    async def send_prompt(self, chat_id: int, message: str, **fields: Any) -> None:
        """Put a prompt into the assistant's queue, in the same way."""
        prompt = ScheduledPrompt(chat_id=chat_id, text=message, **fields)
        await _enqueue(self._to_secretary, prompt)

    async def listen(self, stop: asyncio.Event, wake: Callable[[], None]) -> None:
        """Call `wake` for each announcement, and after each connect, because some may be lost."""
        is_disconnected = False
        while not stop.is_set():
            try:
                async with self._blocking.pubsub() as subscription:
                    await subscription.subscribe(CRON_CHANNEL)
                    is_disconnected = False
                    while not stop.is_set():
                        # an announcement, or the confirmation of a new or renewed subscription
                        if await subscription.get_message(timeout=POLL_TIMEOUT_SECONDS):
                            wake()
            except RedisError as error:
                if not is_disconnected:
                    log.warning("announcement subscription failed", reason=str(error))
                is_disconnected = True
                await asyncio.sleep(RECONNECT_DELAY_SECONDS)


async def _enqueue(mailbox: Mailbox, message: QueueMessage) -> None:
    await mailbox.enqueue(Envelope(message.id, message.conversation, message.model_dump_json()))
