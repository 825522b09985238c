"""Attempts one message at a time without a worker, so that tests see the raised errors."""

from collections.abc import Mapping
from dataclasses import dataclass

from smart_kit.clock import Clock
from smart_kit.contracts.queue import ToTelegram
from smart_kit.mailbox import Delivery, Mailbox
from smart_kit.redis import Redis
from tg_bot.src.access import AccessControl
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.handlers.commands import COMMAND_DESCRIPTIONS
from tg_bot.src.rendering.rendered_message import RenderedMessage
from tg_bot.src.services.message_sender import MessageSender, OutgoingMessage, SendJournal
from tg_bot.src.services.progress_listener import ProgressListener
from tg_bot.src.services.rate_limiter import TelegramRateLimiter
from tg_bot.src.services.response_handler import ResponseHandler
from tg_bot.src.texts.composer import Composer
from tg_bot.tests.queue_contents import enqueue_to_telegram
from tg_bot.tests.queue_messages import make_reply
from tg_bot.tests.services.delivery import TELEGRAM_QUEUE


class RecordingRateLimiter(TelegramRateLimiter):
    """Records the chats that it waited for."""

    def __init__(self, settings: TgBotSettings) -> None:
        super().__init__(settings)
        self.acquired_chats: list[int] = []

    async def acquire(self, chat_id: int) -> None:
        self.acquired_chats.append(chat_id)
        await super().acquire(chat_id)


class SendingHarness:
    """The sending part of the bot. It receives only the messages that a test gives it."""

    def __init__(self, redis: Redis, client: TelegramClient, settings: TgBotSettings) -> None:
        self.mailbox = Mailbox(redis, TELEGRAM_QUEUE)
        self.rate_limiter = RecordingRateLimiter(settings)
        self.message_sender = MessageSender(client, self.rate_limiter)
        self.progress_listener = ProgressListener(client, self.rate_limiter, redis, settings.bot_id)
        self.handler = ResponseHandler(
            settings.bot_id,
            self.mailbox,
            Composer(settings, Clock(), COMMAND_DESCRIPTIONS),
            AccessControl(redis, settings.bot_id, settings.telegram_allowed_users),
            self.message_sender,
            self.progress_listener,
        )
        self._redis = redis

    async def receive(self, message: ToTelegram) -> Delivery:
        """Return the delivery of a message, as a worker receives it."""
        await self.mailbox.create_group()
        await enqueue_to_telegram(self._redis, message)
        (entry,) = await self.mailbox.receive(self._redis, "hand", 1)
        delivery = await self.mailbox.begin(entry)
        assert delivery is not None
        return delivery

    async def prepare(
        self, rendered: RenderedMessage, steps: Mapping[str, str] | None = None
    ) -> "PreparedMessage":
        """Prepare a message to chat 7. `steps` are the journal steps of earlier attempts."""
        message = make_reply("the rendered message has the text")
        delivery = await self.receive(message)
        for step, value in (steps or {}).items():
            await self.mailbox.journal(delivery, message.id, step, value)
        return PreparedMessage(self, delivery, message.id, rendered)


@dataclass(frozen=True)
class PreparedMessage:
    """A message that can be attempted repeatedly."""

    harness: SendingHarness
    delivery: Delivery
    message_id: str
    rendered: RenderedMessage

    async def send(self, *, is_rich: bool = True, is_silent: bool = False) -> None:
        """Attempt the message once. Raises what MessageSender.send raises."""
        mailbox = self.harness.mailbox
        steps = await mailbox.load_journal(self.message_id)
        journal = SendJournal(mailbox, self.delivery, self.message_id, steps)
        outgoing = OutgoingMessage(journal, 7, self.rendered, is_rich, is_silent)
        await self.harness.message_sender.send(outgoing)

    async def read_steps(self) -> dict[str, str]:
        """Return the steps in the journal."""
        return await self.harness.mailbox.load_journal(self.message_id)
