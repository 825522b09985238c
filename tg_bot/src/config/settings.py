"""What tg_bot reads from the environment."""

import hashlib
import hmac
import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from smart_kit.settings import (
    AllowedUsers,
    AllowList,
    LocaleSettings,
    RedisSettings,
    RestClientSettings,
)
from smart_kit.urls import HttpUrl

_TOKEN_PATTERN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{3,}")


def _validate_token(value: SecretStr) -> SecretStr:
    if not _TOKEN_PATTERN.fullmatch(value.get_secret_value()):
        raise ValueError("a token looks like 123456:ABC-DEF, as @BotFather gives it")
    return value


class TgBotSettings(RedisSettings, RestClientSettings, LocaleSettings):
    """The bot, who may use it, and how fast it may send."""

    tg_bot_port: int = 8004
    telegram_token: Annotated[SecretStr, AfterValidator(_validate_token)]
    telegram_api_url: HttpUrl = "https://api.telegram.org"
    telegram_allowed_users: AllowedUsers = AllowList()
    telegram_webhook: bool = False
    """Telegram brings updates to PUBLIC_URL, in place of our asking for them."""
    public_url: HttpUrl | None = None
    """Under which this machine can be reached from outside; None: it cannot."""
    telegram_rate_overall: float = Field(30.0, ge=0)
    """Messages a second; 0: no limit of ours, for one's own Bot API server."""
    telegram_rate_per_chat: float = Field(1.0, ge=0)
    """Messages a second in a private chat, in bursts of three; 0: no limit of ours."""
    telegram_rate_per_group: float = Field(20.0, ge=0)
    """Messages a minute in a group; 0: no limit of ours."""

    @model_validator(mode="after")
    def _require_public_url(self) -> Self:
        if self.telegram_webhook and not self.public_url:
            raise ValueError(
                "TELEGRAM_WEBHOOK: Telegram needs PUBLIC_URL to bring updates to, like "
                "https://assistant.example.org"
            )
        return self

    @property
    def secrets(self) -> frozenset[str]:
        """Also what Telegram shows at the webhook."""
        return super().secrets | {self.webhook_secret}

    @property
    def webhook_secret(self) -> str:
        """What Telegram shows with each update. Follows from the token and does not betray it."""
        token = self.telegram_token.get_secret_value().encode()
        return hmac.new(token, b"webhook", hashlib.sha256).hexdigest()

    @property
    def bot_id(self) -> int:
        """The bot's own Telegram id, which a token begins with."""
        return int(self.telegram_token.get_secret_value().partition(":")[0])
