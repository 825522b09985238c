"""Models and who serves them. No assistant reads these records yet: the environment decides."""

from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, field_serializer

from smart_kit.contracts.base import Command, Contract, JsonObject, Name, UtcDatetime

ModelApi = Literal["chat", "responses"]
Capability = Literal["tools", "images", "audio", "json_schema", "reasoning", "embeddings"]
Capabilities = Annotated[list[Capability], Field(max_length=6)]
ApiKeyState = Literal["none", "kept", "unreadable"]
ModelName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=r"^[!-~]+$")
]
Parameters = Annotated[
    JsonObject,
    Field(
        description="Sent with every request, e.g. reasoning_effort. Every reader is shown them:"
        " no key, token or header belongs here, but into the provider's api_key",
        examples=[{"reasoning_effort": "none"}],
    ),
]


def _endpoint(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_bare = not (parts.query or parts.fragment or parts.username or parts.password)
        _ = parts.port  # raises where it is none
    except ValueError as error:
        raise ValueError("is not an address such as https://api.openai.com/v1") from error
    if not is_usable:
        raise ValueError("is not an address such as https://api.openai.com/v1")
    if not is_bare:
        raise ValueError("holds more than host and path; a key goes into api_key")
    return url.rstrip("/")


BaseUrl = Annotated[
    str,
    StringConstraints(max_length=2048, pattern=r"^[!-~]+$"),
    AfterValidator(_endpoint),
    Field(examples=["https://api.openai.com/v1"]),
]
ApiKey = Annotated[
    SecretStr,
    Field(min_length=1, max_length=4096, description="Kept encrypted; never shown again"),
]


class _WithKey(Command):
    api_key: ApiKey | None = None

    @field_serializer("api_key", when_used="json")
    def _reveal(self, key: SecretStr | None) -> str | None:
        """It is sent as it is; only what is printed or logged shows stars."""
        return key.get_secret_value() if key is not None else None


class ProviderCreate(_WithKey):
    """A new server of models."""

    name: Name
    base_url: BaseUrl
    is_active: bool = True


class ProviderUpdate(_WithKey):
    """The fields to change; those left out stay. `api_key`: null removes it.

    A base_url of another server (scheme, host or port) needs the api_key again, or null: a kept key
    goes to no server that it was not given for.
    """

    name: Name | None = None
    base_url: BaseUrl | None = None
    is_active: bool | None = None


class ProviderRead(Contract):
    """A server that speaks OpenAI's protocol."""

    id: UUID
    name: str
    base_url: str
    api_key_state: ApiKeyState = Field(
        description="unreadable: kept with a LLM_MODEL_DECRYPT_KEY that is no longer there"
    )
    is_active: bool
    created_at: UtcDatetime
    updated_at: UtcDatetime


class LlmModelCreate(Command):
    """A new model of a provider."""

    provider_id: UUID
    provider_model_name: ModelName = Field(
        description="As the provider calls it and an assistant's `model` names it",
        examples=["gpt-6-luna"],
    )
    api: ModelApi = Field("chat", description="chat: Chat Completions; responses: Responses")
    parameters: Parameters = Field(default_factory=dict)
    capabilities: Capabilities = Field(default_factory=list)
    is_active: bool = True


class LlmModelUpdate(Command):
    """The fields to change; those left out stay."""

    provider_id: UUID | None = None
    provider_model_name: ModelName | None = None
    api: ModelApi | None = None
    parameters: Parameters | None = None
    capabilities: Capabilities | None = None
    is_active: bool | None = None


class LlmModelRead(Contract):
    """A model of a provider."""

    id: UUID
    provider_id: UUID
    provider_model_name: str
    api: ModelApi
    parameters: JsonObject
    capabilities: list[Capability]
    is_active: bool
    created_at: UtcDatetime
    updated_at: UtcDatetime
