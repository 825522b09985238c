"""What rest_service reads from its environment."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from smart_kit.settings import LocaleSettings, RedisSettings, ServiceSettings

_PLACEHOLDER = re.compile(r"change.?(me|this|it)|placeholder|your.?token|example|^(.)\2*$", re.I)


def _real_secret(token: SecretStr) -> SecretStr:
    if _PLACEHOLDER.search(token.get_secret_value()):
        raise ValueError("is a placeholder; use a long random text")
    return token


Token = Annotated[SecretStr, Field(min_length=16), AfterValidator(_real_secret)]
AllowList = Annotated[str, Field(pattern=r"^\s*(\*|\d+\s*(,\s*\d+\s*)*)?$")]


class MigrationSettings(ServiceSettings):
    """What Alembic needs."""

    database_url: str = Field(pattern=r"^postgresql\+psycopg2://", repr=False)


class Settings(MigrationSettings, RedisSettings, LocaleSettings):
    """What the service needs."""

    async_database_url: str = Field(pattern=r"^postgresql\+asyncpg://", repr=False)
    rest_service_port: int = Field(8000, ge=1, le=65535)
    admin_api_token: Token
    service_api_token: Token
    telegram_allowed_users: AllowList = ""
    """Telegram ids, the first is the owner; `*` lets everyone in."""

    @property
    def owner_telegram_id(self) -> int | None:
        """Who is the owner from the first message on."""
        first = self.telegram_allowed_users.split(",")[0].strip()
        return int(first) if first.isdigit() else None

    @property
    def allowed_telegram_ids(self) -> frozenset[int] | None:
        """Who may talk without an invitation; None: everyone."""
        listed = self.telegram_allowed_users.strip()
        if listed == "*":
            return None
        return frozenset(int(one) for one in listed.split(",") if one)

    @model_validator(mode="after")
    def _two_tokens(self) -> Self:
        if self.admin_api_token == self.service_api_token:
            raise ValueError("ADMIN_API_TOKEN and SERVICE_API_TOKEN must differ")
        return self
