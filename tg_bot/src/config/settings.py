"""Settings of tg_bot, read from the environment."""

import hashlib
import hmac
import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from smart_kit.rest_client import RestClientSettings
from smart_kit.settings import (
    AllowedUsers,
    AllowList,
    LocaleSettings,
    RedisSettings,
)
from smart_kit.urls import HttpUrl

_TOKEN_PATTERN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{3,}")


def _validate_token(value: SecretStr) -> SecretStr:
    if not _TOKEN_PATTERN.fullmatch(value.get_secret_value()):
        raise ValueError("a token looks like 123456:ABC-DEF, as @BotFather issues it")
    return value


class TgBotSettings(RedisSettings, RestClientSettings, LocaleSettings):
    """The bot, its allowed users, and its rate limits."""

    tg_bot_port: int = 8004
    """The port of /health, /metrics and webhooks of tg_bot."""
    telegram_token: Annotated[SecretStr, AfterValidator(_validate_token)]
    """The token of your bot, from @BotFather. Empty: the sandbox's Telegram, a chat page on this
    machine."""
    telegram_api_url: HttpUrl = "https://api.telegram.org"
    """The URL of the Bot API: Telegram's or that of your own Bot API server."""
    telegram_allowed_users: AllowedUsers = AllowList()
    """The Telegram ids of the users who may talk to the bot, separated by commas; the first is the
    owner. * admits everyone. Empty: the first user who opens the link that `./manage.py start`
    prints becomes the owner and can invite others."""
    telegram_webhook: bool = False
    """1: Telegram sends updates to PUBLIC_URL/telegram/webhook. Empty: the bot polls for
    updates."""
    public_url: HttpUrl | None = None
    """The URL under which users' browsers and Telegram reach this machine. Empty: the machine is
    not reachable from outside."""
    telegram_rate_overall: float = Field(30.0, ge=0)
    """The maximum number of messages per second to all chats. 0: no limit, for your own Bot API
    server."""
    telegram_rate_per_chat: float = Field(1.0, ge=0)
    """The maximum number of messages per second to a private chat, in bursts of three. 0: no
    limit."""
    telegram_rate_per_group: float = Field(20.0, ge=0)
    """The maximum number of messages per minute to a group. 0: no limit."""

    @model_validator(mode="after")
    def _require_public_url(self) -> Self:
        if self.telegram_webhook and not self.public_url:
            raise ValueError(
                "TELEGRAM_WEBHOOK: set PUBLIC_URL to the address that Telegram delivers to, like "
                "https://assistant.example.org"
            )
        return self

    @property
    def secrets(self) -> frozenset[str]:
        """Values that logs redact, the webhook secret included."""
        return super().secrets | {self.webhook_secret}

    @property
    def webhook_secret(self) -> str:
        """The secret that Telegram sends with each update; derived from the token by HMAC."""
        token = self.telegram_token.get_secret_value().encode()
        return hmac.new(token, b"webhook", hashlib.sha256).hexdigest()

    @property
    def bot_id(self) -> int:
        """The bot's Telegram id, which is the first part of the token."""
        return int(self.telegram_token.get_secret_value().partition(":")[0])
