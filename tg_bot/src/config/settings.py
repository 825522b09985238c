"""What tg_bot reads from the environment."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from smart_kit.settings import LocaleSettings, RedisSettings, RestClientSettings

_TOKEN_PATTERN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{3,}")


@dataclass(frozen=True)
class AllowList:
    """Whom the operator lets in without an invitation."""

    telegram_ids: frozenset[int] = frozenset()
    everyone: bool = False

    def __contains__(self, telegram_id: int) -> bool:
        return self.everyone or telegram_id in self.telegram_ids


def _parse_allow_list(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    entries = [entry.strip() for entry in value.split(",") if entry.strip()]
    if entries == ["*"]:
        return AllowList(everyone=True)
    for entry in entries:
        if not re.fullmatch(r"[1-9]\d{0,15}", entry):
            raise ValueError(
                f"{entry!r} is not a Telegram id: write the numbers of people with commas between "
                "them, or * alone for everyone"
            )
    return AllowList(frozenset(map(int, entries)))


def _validate_token(value: SecretStr) -> SecretStr:
    if not _TOKEN_PATTERN.fullmatch(value.get_secret_value()):
        raise ValueError("a token looks like 123456:ABC-DEF, as @BotFather gives it")
    return value


def _validate_api_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
        raise ValueError("a URL like https://api.telegram.org is needed")
    return value.rstrip("/")


def _validate_public_url(value: str) -> str:
    return _validate_api_url(value) if value else value


class TgBotSettings(RedisSettings, RestClientSettings, LocaleSettings):
    """The bot, who may use it, and how fast it may send."""

    tg_bot_port: int = 8004
    """The port of /health, /metrics and webhooks of tg_bot."""
    telegram_token: Annotated[SecretStr, AfterValidator(_validate_token)]
    """The token of your bot, from @BotFather. Empty: the sandbox's Telegram, a chat page on this
    machine."""
    telegram_api_url: Annotated[str, AfterValidator(_validate_api_url)] = "https://api.telegram.org"
    """The URL of the Bot API: Telegram's or that of your own Bot API server."""
    telegram_allowed_users: Annotated[AllowList, NoDecode, BeforeValidator(_parse_allow_list)] = (
        AllowList()
    )
    """The Telegram ids of the users who may talk to the bot, separated by commas; the first is the
    owner. * admits everyone. Empty: the first user who opens the link that `./manage.py start`
    prints becomes the owner and can invite others."""
    telegram_webhook: bool = False
    """1: Telegram sends updates to PUBLIC_URL/telegram/webhook. Empty: the bot polls for
    updates."""
    public_url: Annotated[str, AfterValidator(_validate_public_url)] = ""
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
