"""The bot's identity: read from Telegram, and published in Redis for the other services."""

import asyncio

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from smart_kit.aio import sleep_until_stopped
from smart_kit.contracts.keys import ACTIVE_BOT_KEY
from smart_kit.contracts.queue import BotIdentity
from smart_kit.redis import Redis, await_result

from ..client.errors import TELEGRAM_ERRORS
from ..client.telegram import TelegramClient
from ..texts.composer import Composer
from ..texts.translations import LANGUAGES
from .dispatcher import Dispatcher

PUBLISH_INTERVAL_SECONDS = 3.0

log = structlog.stdlib.get_logger()


class IdentityPublisher:
    """Publishes the bot's identity. Its frequent reads double as the health check of Redis."""

    def __init__(
        self,
        bot_id: int,
        client: TelegramClient,
        redis: Redis,
        dispatcher: Dispatcher,
        composer: Composer,
    ) -> None:
        self._bot_id = bot_id
        self._client = client
        self._redis = redis
        self._dispatcher = dispatcher
        self._composer = composer
        self._identity: BotIdentity | None = None
        self._redis_error: str | None = "not checked yet"

    def redis_health_error(self) -> str | None:
        """Return why Redis is unavailable, for `/health`; None if it is available."""
        return self._redis_error

    async def initialize(self) -> None:
        """Read the identity from Telegram and set the command menu. Raises a TelegramError."""
        me = await self._client.get_me()
        identity = BotIdentity(id=self._bot_id, username=str(me.get("username") or ""))
        self._dispatcher.username = identity.username
        self._identity = identity
        log.info("bot identified", bot_id=identity.id, username=identity.username)
        await self._set_commands()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish the identity repeatedly: Redis may lose its data."""
        while not stop.is_set():
            try:
                await self._publish()
                self._redis_error = None
            except RedisError as error:
                self._redis_error = f"Redis does not answer: {error}"
            await sleep_until_stopped(stop, PUBLISH_INTERVAL_SECONDS)

    async def _publish(self) -> None:
        """Write the identity; until it is known, delete another bot's, so that reminders wait."""
        stored = await await_result(self._redis.get(ACTIVE_BOT_KEY))
        if self._identity is not None:
            current = self._identity.model_dump_json()
            if stored != current:
                await self._redis.set(ACTIVE_BOT_KEY, current)
        elif stored is not None and not self._is_own(stored):
            await self._redis.delete(ACTIVE_BOT_KEY)

    def _is_own(self, stored: str) -> bool:
        try:
            return BotIdentity.model_validate_json(stored).id == self._bot_id
        except ValidationError:
            return False

    async def _set_commands(self) -> None:
        """Set the command menu. An error is only logged: the bot works without the menu."""
        try:
            for language in (None, *LANGUAGES):
                described = self._composer.list_commands(language)
                commands = [{"command": name, "description": text} for name, text in described]
                await self._client.set_my_commands(commands, language)
        except TELEGRAM_ERRORS as error:
            log.warning("command menu not set", reason=error.message)
