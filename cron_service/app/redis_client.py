"""What cron_service does in Redis: fills the queues, hears that jobs have changed."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from redis.exceptions import RedisError

from smart_kit.contracts.keys import ACTIVE_BOT_KEY, CRON_CHANNEL
from smart_kit.contracts.queue import BotIdentity, Notification, QueueMessage, ScheduledPrompt
from smart_kit.mailbox import Envelope, Mailbox
from smart_kit.redis import Redis, await_result

RECONNECT_DELAY_SECONDS = 1.0
POLL_TIMEOUT_SECONDS = 0.5
"""How long one wait for an announcement is; short, so that a stop is quick."""

log = structlog.stdlib.get_logger()


class RedisClient:
    """The queues, and the channel on which rest_service says that jobs have changed."""

    def __init__(
        self, redis: Redis, blocking: Redis, to_telegram: Mailbox, to_secretary: Mailbox
    ) -> None:
        self._redis = redis
        self._blocking = blocking
        self._to_telegram = to_telegram
        self._to_secretary = to_secretary

    async def get_bot_id(self) -> int | None:
        """The bot that tg_bot serves; None until it has said so."""
        payload = await await_result(self._redis.get(ACTIVE_BOT_KEY))
        return BotIdentity.model_validate_json(payload).id if payload else None

    async def send_notification(self, *notifications: Notification) -> None:
        """Put reminders into tg_bot's queue in one round trip; it drops those it had before."""
        await _enqueue(self._to_telegram, notifications)

    async def send_prompt(self, *prompts: ScheduledPrompt) -> None:
        """Put prompts into the assistant's queue, in the same way."""
        await _enqueue(self._to_secretary, prompts)

    async def listen(self, stop: asyncio.Event, wake: Callable[[], None]) -> None:
        """Ring at each announcement, and after each connection, before which some may be lost."""
        is_disconnected = False
        while not stop.is_set():
            try:
                async with self._blocking.pubsub() as subscription:
                    await subscription.subscribe(CRON_CHANNEL)
                    is_disconnected = False
                    while not stop.is_set():
                        # A message, or Redis's confirmation of a new or renewed subscription.
                        if await subscription.get_message(timeout=POLL_TIMEOUT_SECONDS):
                            wake()
            except RedisError as error:
                if not is_disconnected:
                    log.warning("announcement subscription failed", reason=str(error))
                is_disconnected = True
                await asyncio.sleep(RECONNECT_DELAY_SECONDS)


async def _enqueue(mailbox: Mailbox, messages: Sequence[QueueMessage]) -> None:
    await mailbox.enqueue(
        *(
            Envelope(message.id, message.conversation, message.model_dump_json())
            for message in messages
        )
    )
