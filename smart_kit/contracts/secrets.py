"""Secrets that tools name: kept encrypted, never shown, sent to one server only."""

import re
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, field_serializer

from smart_kit.contracts.base import Command, Contract, UtcDatetime
from smart_kit.contracts.models import BaseUrl

SecretName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
SecretState = Literal["kept", "unreadable"]
_PRINTABLE = re.compile(r"[ -~]+")


def _sendable(value: SecretStr) -> SecretStr:
    if not _PRINTABLE.fullmatch(value.get_secret_value()):
        raise ValueError("holds what is no letter, digit, sign or blank of ASCII, or a line's end")
    return value


SecretValue = Annotated[
    SecretStr,
    Field(
        min_length=1,
        max_length=8192,
        description="Kept encrypted; never shown again",
        json_schema_extra={"pattern": r"^[ -~]+$"},
    ),
    AfterValidator(_sendable),
]


class _WithValue(Command):
    @field_serializer("value", when_used="json", check_fields=False)
    def _reveal(self, value: SecretStr | None) -> str | None:
        """It is sent as it is; only what is printed or logged shows stars."""
        return value.get_secret_value() if value is not None else None


class SecretCreate(_WithValue):
    """A new secret."""

    name: SecretName = Field(description="As `{secret:NAME}` in a tool's call", examples=["words"])
    origin: BaseUrl = Field(
        description="The only server it is sent to: scheme, host and port of this address",
        examples=["https://api.example.org"],
    )
    value: SecretValue


class SecretUpdate(_WithValue):
    """The fields to change; those left out stay. Another origin needs the value again."""

    origin: BaseUrl | None = None
    value: SecretValue | None = None


class SecretRead(Contract):
    """A secret, without what it says."""

    id: UUID
    name: str
    origin: str
    state: SecretState = Field(
        description="unreadable: kept with a LLM_MODEL_DECRYPT_KEY that is no longer there"
    )
    created_at: UtcDatetime
    updated_at: UtcDatetime


class RotationRead(Contract):
    """What was encrypted anew, with the first of LLM_MODEL_DECRYPT_KEY."""

    rewritten: int = Field(description="Those that an older key had encrypted")
    unchanged: int = Field(description="Those that the newest key had encrypted already")
    unreadable: int = Field(description="Those that no key opens; they stay as they are")
