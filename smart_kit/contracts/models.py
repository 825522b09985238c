"""Models and their providers."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints

from smart_kit.contracts.base import (
    Contract,
    Dollars,
    JsonObject,
    Name,
    RecordRead,
    RequestBody,
    RevealedSecret,
    secret_validator,
)
from smart_kit.contracts.examples import EXAMPLE_IDS, example_config
from smart_kit.urls import Url, url_validator

ModelApi = Literal["chat", "responses"]
Capability = Literal[
    "tools", "vision", "streaming", "audio", "json_schema", "reasoning", "embeddings"
]
Capabilities = Annotated[
    list[Capability],
    Field(
        max_length=7,
        description="A model without `tools` gets none; one without `streaming` answers at once",
    ),
]


def can_chat(capabilities: Iterable[Capability]) -> bool:
    """Return whether an assistant can use the model: not if it only makes embeddings."""
    return set(capabilities) - {"streaming"} != {"embeddings"}


Price = Annotated[
    Decimal,
    Field(ge=0, le=100_000, max_digits=12, decimal_places=6, description="USD per million tokens"),
]
ProviderSource = Literal["environment", "administrator"]
ApiKeyState = Literal["none", "stored", "unreadable"]
ModelName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=r"^[!-~]+$")
]
Parameters = Annotated[
    JsonObject,
    Field(
        description="Sent with every request, e.g. reasoning_effort. They are not secret: keys"
        " and tokens belong in the provider's api_key",
        examples=[{"reasoning_effort": "none"}],
    ),
]


BaseUrl = Annotated[
    Url,
    url_validator(
        "https://api.openai.com/v1", "must be only host and path; a key belongs in api_key"
    ),
    Field(examples=["https://api.openai.com/v1"]),
]
ListUrl = Annotated[
    Url,
    url_validator(
        "https://example.org/models.json", "must be only host, path and query", has_query=True
    ),
]


def _strip(value: Any) -> Any:
    """Remove the line end that copied text often has."""
    return value.strip() if isinstance(value, str) else value


ApiKey = Annotated[
    RevealedSecret,
    Field(
        description="Stored encrypted and never shown again",
        json_schema_extra={"minLength": 1, "maxLength": 4096, "pattern": r"^[!-~]+$"},
    ),
    BeforeValidator(_strip),
    secret_validator(r"[!-~]+", 4096, "must consist of printable ASCII characters without blanks"),
]


class ProviderCreate(RequestBody):
    """A new provider."""

    model_config = example_config(name="Ollama at home", base_url="http://127.0.0.1:11434/v1")

    name: Name
    base_url: BaseUrl
    api_key: ApiKey | None = None
    is_active: bool = True


class ProviderUpdate(RequestBody):
    """The fields to change. Omitted fields keep their values; an `api_key` of null removes the key.

    A `base_url` with another scheme, host or port needs the `api_key` again, or null: a stored key
    is never sent to a server that it was not given for.
    """

    model_config = example_config(is_active=False)

    name: Name | None = None
    base_url: BaseUrl | None = None
    api_key: ApiKey | None = None
    is_active: bool | None = None
    source: ProviderSource | None = None
    """environment: each start sets its URL and key from OPENAI_BASE_URL and OPENAI_API_KEY; at most
    one provider has this source."""


class ProviderRead(RecordRead):
    """A provider: a server with an OpenAI-compatible API."""

    name: str
    base_url: str
    api_key_state: ApiKeyState
    """unreadable: encrypted with a LLM_MODEL_DECRYPT_KEY that is no longer set."""
    is_active: bool
    source: ProviderSource
    """environment: each start sets its URL and key from OPENAI_BASE_URL and OPENAI_API_KEY, until
    an administrator changes one of them."""


class ProviderTestRequest(RequestBody):
    """A test of a provider."""

    model_config = example_config(model="gpt-6-luna")

    model: ModelName | None = None
    """Model to send a short request to; null: only check the address and the key."""


ProviderErrorCode = Literal[
    "unreadable_key",
    "unknown_host",
    "unreachable",
    "tls_failed",
    "timed_out",
    "invalid_key",
    "quota_exceeded",
    "path_not_found",
    "model_not_found",
    "unexpected_response",
    "busy",
    "refused",
]


class ProviderTestRead(Contract):
    """The result of a test."""

    is_healthy: bool
    error_code: ProviderErrorCode | None = None
    detail: str = Field(description="What the test found and, after an error, what to do")
    seconds: float
    model_names: list[str] = Field(default_factory=list)
    """Models that the server lists, at most 1000."""


class LlmModelCreate(RequestBody):
    """A new model of a provider."""

    model_config = example_config(
        provider_id=EXAMPLE_IDS["providers"],
        provider_model_name="gpt-6-luna",
        parameters={"reasoning_effort": "none"},
        capabilities=["tools", "vision", "streaming"],
        input_price="0.10",
        cached_input_price="0.01",
        output_price="0.50",
    )

    provider_id: UUID
    provider_model_name: ModelName = Field(examples=["gpt-6-luna"])
    """The provider's name for the model, to which assistants refer."""
    api: ModelApi = Field("chat", description="chat: Chat Completions; responses: Responses")
    parameters: Parameters = Field(default_factory=dict)
    capabilities: Capabilities = Field(default_factory=list)
    input_price: Price | None = Field(None, description="null: unknown")
    cached_input_price: Price | None = Field(None, description="null: the same as input_price")
    output_price: Price | None = Field(None, description="null: unknown")
    is_user_selectable: bool = Field(False, description="Whether users may choose it with /model")
    is_active: bool = True


class LlmModelUpdate(RequestBody):
    """The fields to change. Omitted fields keep their values."""

    model_config = example_config(parameters={})

    provider_id: UUID | None = None
    provider_model_name: ModelName | None = None
    api: ModelApi | None = None
    parameters: Parameters | None = None
    capabilities: Capabilities | None = None
    input_price: Price | None = None
    cached_input_price: Price | None = None
    output_price: Price | None = None
    is_user_selectable: bool | None = None
    is_active: bool | None = None


class LlmModelRead(RecordRead):
    """A model of a provider."""

    provider_id: UUID
    provider_model_name: str
    api: ModelApi
    parameters: JsonObject
    capabilities: list[Capability]
    input_price: Dollars | None
    cached_input_price: Dollars | None
    output_price: Dollars | None
    is_user_selectable: bool
    is_active: bool


class ModelImport(RequestBody):
    """A list of models to import, given in `models` or downloaded.

    Accepted formats: `GET /models` of a provider ({"data": [{"id": …}]}), the bodies of
    `POST /models` without provider_id ({"models": [{…}]}), and LiteLLM's price table
    ({"<name>": {"input_cost_per_token": …}}).
    """

    model_config = example_config(
        provider_id=EXAMPLE_IDS["providers"], models={"data": [{"id": "gpt-6-luna"}]}, dry_run=True
    )

    provider_id: UUID
    models: JsonObject | None = Field(None, description="The list; null: download it")
    url: ListUrl | None = None
    """Address of the list; null: the provider's own list, with its key."""
    only: list[ModelName] = Field(default_factory=list, max_length=1000)
    """Names of the models to import; empty: all."""
    dry_run: bool = Field(False, description="Report what would change without changing it")


class SkippedModel(Contract):
    """A model that is not imported."""

    name: str
    reason: str


class ModelImportRead(Contract):
    """The result of an import."""

    created: list[str]
    updated: list[str]
    unchanged: list[str]
    skipped: list[SkippedModel]
