"""Attempts one message at a time, without a worker: a test sees what the worker would be told."""

from collections.abc import Mapping
from dataclasses import dataclass

from smart_kit.clock import Clock
from smart_kit.contracts.queue import ToTelegram
from smart_kit.mailbox import Delivery, Mailbox
from smart_kit.redis import Redis
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.handlers import COMMANDS
from tg_bot.src.rendering.rich import Letter
from tg_bot.src.services.access import Access
from tg_bot.src.services.consignment import Consignment
from tg_bot.src.services.live import Live
from tg_bot.src.services.outbox import Outbox
from tg_bot.src.services.pace import Pace
from tg_bot.src.services.response_handler import ResponseHandler
from tg_bot.src.texts.composer import Composer
from tg_bot.src.texts.translations import Translations
from tg_bot.tests.queue_contents import send
from tg_bot.tests.queue_messages import reply
from tg_bot.tests.services.delivery_helpers import QUEUE


class CountedPace(Pace):
    """Remembers for whom it waited."""

    def __init__(self, settings: TgBotSettings) -> None:
        super().__init__(settings)
        self.waited: list[int] = []

    async def wait(self, chat_id: int) -> None:
        self.waited.append(chat_id)
        await super().wait(chat_id)


class Hand:
    """What sends, and takes from the queue only what a test gives it."""

    def __init__(self, redis: Redis, client: TelegramClient, settings: TgBotSettings) -> None:
        self.mailbox = Mailbox(redis, QUEUE)
        self.pace = CountedPace(settings)
        self.outbox = Outbox(client, self.mailbox, self.pace)
        self.live = Live(client, self.pace, redis, settings.bot_id)
        self.handler = ResponseHandler(
            settings.bot_id,
            Composer(Translations("en"), Clock(), COMMANDS, "UTC"),
            Access(redis, settings.bot_id, settings.telegram_allowed_users),
            self.outbox,
            self.live,
        )
        self._redis = redis

    async def take(self, message: ToTelegram) -> Delivery:
        """A message, as a worker would have it from the queue."""
        await self.mailbox.create()
        await send(self._redis, message)
        entry = await self.mailbox.receive(self._redis, "hand", 1)
        assert entry is not None
        delivery = await self.mailbox.begin(entry)
        assert delivery is not None
        return delivery

    async def parcel(self, letter: Letter, steps: Mapping[str, str] | None = None) -> "Parcel":
        """A letter to chat 7; `steps` is what earlier attempts have left in the journal."""
        message = reply("this is in the letter")
        delivery = await self.take(message)
        for step, value in (steps or {}).items():
            await self.mailbox.journal(delivery, message.id, step, value)
        return Parcel(self, delivery, message.id, letter)


@dataclass(frozen=True)
class Parcel:
    """A letter that can be attempted again and again."""

    hand: Hand
    delivery: Delivery
    message_id: str
    letter: Letter

    async def attempt(self, *, is_rich: bool = True, is_silent: bool = False) -> None:
        """Raises what the outbox raises."""
        to = Consignment(self.delivery, self.message_id, 7, self.letter, is_rich, is_silent)
        await self.hand.outbox.send(to)

    async def steps(self) -> dict[str, str]:
        """What is in the journal."""
        return await self.hand.mailbox.steps(self.message_id)
