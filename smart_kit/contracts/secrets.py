"""Secrets of tools: stored encrypted, never shown, and sent to one server only."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from smart_kit.contracts.base import (
    Contract,
    RecordRead,
    RequestBody,
    RevealedSecret,
    secret_validator,
)
from smart_kit.contracts.examples import example_config
from smart_kit.urls import Url, url_validator

SecretName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
SecretState = Literal["stored", "unreadable"]
_EXAMPLE = "https://api.example.org"
Origin = Annotated[
    Url,
    url_validator(_EXAMPLE, "must be only scheme, host and port; the secret belongs in value"),
]
SecretValue = Annotated[
    RevealedSecret,
    Field(
        description="Stored encrypted and never shown again",
        json_schema_extra={"minLength": 1, "maxLength": 8192, "pattern": r"^[ -~]+$"},
    ),
    secret_validator(
        r"[ -~]+", 8192, "must consist of printable ASCII characters and blanks, without line ends"
    ),
]


class SecretCreate(RequestBody):
    """A new secret."""

    model_config = example_config(
        name="words", origin="https://api.example.org", value="a-key-of-no-worth"
    )

    name: SecretName = Field(description="Tools refer to it as `{secret:NAME}`", examples=["words"])
    origin: Origin = Field(examples=[_EXAMPLE])
    """The only server that receives it: scheme, host and port of this URL."""
    value: SecretValue


class SecretUpdate(RequestBody):
    """The fields to change. Omitted fields keep their values. A new origin needs a value."""

    model_config = example_config(value="a-newer-key-of-no-worth")

    origin: Origin | None = None
    value: SecretValue | None = None


class SecretRead(RecordRead):
    """A secret without its value."""

    name: str
    origin: str
    state: SecretState
    """unreadable: encrypted with a LLM_MODEL_DECRYPT_KEY that is no longer set."""


class KeyRotationRead(Contract):
    """Result of encrypting all secrets with the first key of LLM_MODEL_DECRYPT_KEY."""

    rewritten: int = Field(description="Secrets that were encrypted with an older key")
    unchanged: int = Field(description="Secrets that already used the first key")
    unreadable: int = Field(description="Secrets that no key can decrypt; they are not changed")
