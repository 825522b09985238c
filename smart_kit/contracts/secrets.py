"""Secrets that tools name: kept encrypted, never shown, sent to one server only."""

import re
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from smart_kit.contracts.base import Contract, RequestBody, RevealedSecret, UtcDatetime
from smart_kit.contracts.examples import example
from smart_kit.urls import Url, url_validator

SecretName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
SecretState = Literal["stored", "unreadable"]
_PRINTABLE_PATTERN = re.compile(r"[ -~]+")
_MAX_LENGTH = 8192
_EXAMPLE = "https://api.example.org"
Origin = Annotated[
    Url,
    url_validator(_EXAMPLE, "holds more than a server's address; what is secret goes into value"),
]


def _validate_value(value: SecretStr) -> SecretStr:
    if not 0 < len(value) <= _MAX_LENGTH:
        raise ValueError(f"is empty, or longer than {_MAX_LENGTH} characters")
    if not _PRINTABLE_PATTERN.fullmatch(value.get_secret_value()):
        raise ValueError("holds what is no letter, digit, sign or blank of ASCII, or a line's end")
    return value


SecretValue = Annotated[
    RevealedSecret,
    Field(
        description="Kept encrypted; never shown again",
        json_schema_extra={"minLength": 1, "maxLength": _MAX_LENGTH, "pattern": r"^[ -~]+$"},
    ),
    AfterValidator(_validate_value),
]


class SecretCreate(RequestBody):
    """A new secret."""

    model_config = example(
        name="words", origin="https://api.example.org", value="a-key-of-no-worth"
    )

    name: SecretName = Field(description="As `{secret:NAME}` in a tool's call", examples=["words"])
    origin: Origin = Field(
        description="The only server it is sent to: scheme, host and port of this address",
        examples=[_EXAMPLE],
    )
    value: SecretValue


class SecretUpdate(RequestBody):
    """The fields to change; those left out stay. Another origin needs the value again."""

    model_config = example(value="a-newer-key-of-no-worth")

    origin: Origin | None = None
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


class KeyRotationRead(Contract):
    """What was encrypted anew, with the first of LLM_MODEL_DECRYPT_KEY."""

    rewritten: int = Field(description="Those that an older key had encrypted")
    unchanged: int = Field(description="Those that the newest key had encrypted already")
    unreadable: int = Field(description="Those that no key opens; they stay as they are")
