"""Who the bot is: asked of Telegram once, and kept in Redis for whoever writes unasked."""

import asyncio

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from smart_kit.contracts.keys import BOT_KEY
from smart_kit.contracts.queue import BotIdentity
from smart_kit.redis import Redis, answer
from smart_kit.settings import Language

from ..client.errors import TELEGRAM_ERRORS
from ..client.telegram import TelegramClient
from ..texts.composer import Composer
from ..texts.translations import LANGUAGES
from .backoff import pause
from .dispatcher import Dispatcher

CHECK_SECONDS = 3.0

log = structlog.stdlib.get_logger()


class Identity:
    """Also looks whether Redis is there, because it asks often."""

    def __init__(
        self,
        bot_id: int,
        client: TelegramClient,
        redis: Redis,
        dispatcher: Dispatcher,
        composer: Composer,
        default_language: Language,
    ) -> None:
        self._bot_id = bot_id
        self._client = client
        self._redis = redis
        self._dispatcher = dispatcher
        self._composer = composer
        self._default_language = default_language
        self._identity: BotIdentity | None = None
        self._trouble: str | None = "not asked yet"

    def probe(self) -> str | None:
        """What is wrong with Redis, for `/health`."""
        return self._trouble

    async def learn(self) -> None:
        """Ask Telegram who we are, and give it our commands. Raises a TelegramError."""
        me = await self._client.get_me()
        identity = BotIdentity(id=self._bot_id, username=str(me.get("username") or ""))
        self._dispatcher.username = identity.username
        self._identity = identity
        log.info("this is the bot", bot_id=identity.id, username=identity.username)
        await self._offer_commands()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep Redis's copy, also where Redis has lost its data."""
        while not stop.is_set():
            try:
                await self._keep()
                self._trouble = None
            except RedisError as error:
                self._trouble = f"Redis does not answer: {error}"
            await pause(stop, CHECK_SECONDS)

    async def _keep(self) -> None:
        """Another bot's is forgotten at once, so that reminders wait and do not go out by it."""
        kept = await answer(self._redis.get(BOT_KEY))
        if self._identity is not None:
            wanted = self._identity.model_dump_json()
            if kept != wanted:
                await self._redis.set(BOT_KEY, wanted)
        elif kept is not None and not self._is_own(kept):
            await self._redis.delete(BOT_KEY)

    def _is_own(self, kept: str) -> bool:
        try:
            return BotIdentity.model_validate_json(kept).id == self._bot_id
        except ValidationError:
            return False

    async def _offer_commands(self) -> None:
        """The menu is a convenience: without it the bot still works."""
        try:
            for language in (None, *LANGUAGES):
                described = self._composer.describe_commands(language or self._default_language)
                commands = [{"command": name, "description": said} for name, said in described]
                await self._client.set_my_commands(commands, language)
        except TELEGRAM_ERRORS as error:
            log.warning("the menu of commands is not set", reason=error.message)
