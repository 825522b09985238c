"""The settings of rest_service."""

import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from smart_kit.contracts.models import ModelName
from smart_kit.contracts.users import BudgetAmount
from smart_kit.settings import (
    AllowedUsers,
    AllowList,
    LocaleSettings,
    RedisSettings,
)
from smart_kit.urls import HttpUrl
from smart_kit.vault import VaultSettings

from .database_settings import MigrationSettings

_PLACEHOLDER = re.compile(r"change.?(me|this|it)|placeholder|your.?token|example|^(.)\2*$", re.I)


def _reject_placeholder(token: SecretStr) -> SecretStr:
    if _PLACEHOLDER.search(token.get_secret_value()):
        raise ValueError("is a placeholder; use a long random text")
    return token


Token = Annotated[SecretStr, Field(min_length=16), AfterValidator(_reject_placeholder)]


OPENAI_FALLBACK_MODEL = "gpt-5.6-luna"
"""The default of FALLBACK_MODEL if the server is OpenAI's; other servers have no default."""
_OPENAI_HOST = "api.openai.com"


def is_openai_url(base_url: str) -> bool:
    """Return whether the server is OpenAI's own, in any region."""
    host = urlsplit(base_url).hostname or ""
    return host == _OPENAI_HOST or host.endswith(f".{_OPENAI_HOST}")


class Settings(MigrationSettings, RedisSettings, LocaleSettings, VaultSettings):
    """The settings of the service."""

    async_database_url: str = Field(pattern=r"^postgresql\+asyncpg://", repr=False)
    """The same database as in DATABASE_URL, for asyncpg: postgresql+asyncpg://…"""
    rest_service_port: int = Field(8000, ge=1, le=65535)
    """The port of the REST API. Local mode also uses the port 50 above it."""
    rest_service_own_port: int | None = Field(None, ge=1, le=65535)
    """The port of this process alone; `rest_service_port` is then shared with its replicas."""
    admin_api_token: Token
    """The administrator's token of the REST API."""
    service_api_token: Token
    """The token by which the services identify themselves to each other."""
    telegram_allowed_users: AllowedUsers = AllowList()
    """Telegram ids separated by commas; the first is the owner. `*` admits everyone."""
    daily_budget: BudgetAmount | None = None
    """The US dollars that models may cost each user per day, unless the user has a budget of their
    own. Empty: no limit."""
    max_active_jobs: int = Field(100, ge=1, le=10_000)
    """How many active reminders and scheduled requests each user may have."""

    openai_api_key: SecretStr | None = None
    """The API key of the model server. Empty together with OPENAI_BASE_URL: the demo model of the
    sandbox."""
    openai_base_url: HttpUrl = "https://api.openai.com/v1"
    """The URL of a server with OpenAI's API, for example http://127.0.0.1:11434/v1. Empty:
    OpenAI."""
    default_model: ModelName = "gpt-6-luna"
    """The model of the default assistant."""
    fallback_model: ModelName | None = None
    """The model that is used when the default model does not answer. With OpenAI the default is
    gpt-5.6-luna; other servers have none. The name of DEFAULT_MODEL: no fallback."""

    @property
    def default_model_names(self) -> tuple[str, ...]:
        """Return DEFAULT_MODEL and, if it is another one, the fallback model."""
        fallback_model = self.fallback_model
        if fallback_model is None and is_openai_url(self.openai_base_url):
            fallback_model = OPENAI_FALLBACK_MODEL
        return tuple(dict.fromkeys(filter(None, (self.default_model, fallback_model))))

    @property
    def owner_telegram_id(self) -> int | None:
        """Return the Telegram id of the user who becomes the owner with their first message."""
        return next(iter(self.telegram_allowed_users.telegram_ids), None)

    @property
    def allowed_telegram_ids(self) -> frozenset[int] | None:
        """Return who may talk without an invitation; None: everyone."""
        allowed = self.telegram_allowed_users
        return None if allowed.everyone else frozenset(allowed.telegram_ids)

    @model_validator(mode="after")
    def _check_tokens_differ(self) -> Self:
        if self.admin_api_token == self.service_api_token:
            raise ValueError("ADMIN_API_TOKEN and SERVICE_API_TOKEN must differ")
        return self

    @model_validator(mode="after")
    def _check_key_can_be_encrypted(self) -> Self:
        if self.openai_api_key is not None and self.llm_model_decrypt_key is None:
            raise ValueError(
                "OPENAI_API_KEY needs LLM_MODEL_DECRYPT_KEY, which encrypts it in the database:"
                " 32 random bytes as URL-safe base64"
            )
        return self
