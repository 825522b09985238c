"""Models and who serves them: what assistants ask, as an administrator describes it."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
)

from smart_kit.contracts.base import (
    Contract,
    Dollars,
    JsonObject,
    Name,
    RequestBody,
    RevealedSecret,
    UtcDatetime,
)
from smart_kit.contracts.examples import EXAMPLE_IDS, example
from smart_kit.urls import Url, url_validator

ModelApi = Literal["chat", "responses"]
Capability = Literal[
    "tools", "vision", "streaming", "audio", "json_schema", "reasoning", "embeddings"
]
Capabilities = Annotated[
    list[Capability],
    Field(
        max_length=7,
        description="Without tools it is offered none, without streaming its answer comes whole",
    ),
]


def can_chat(capabilities: Iterable[Capability]) -> bool:
    """Whether an assistant may ask it: not one that makes embeddings and nothing else, however it
    would send them."""
    return set(capabilities) - {"streaming"} != {"embeddings"}


Price = Annotated[
    Decimal,
    Field(
        ge=0, le=100_000, max_digits=12, decimal_places=6, description="USD per million of tokens"
    ),
]
ProviderSource = Literal["environment", "administrator"]
ApiKeyState = Literal["none", "stored", "unreadable"]
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


BaseUrl = Annotated[
    Url,
    url_validator(
        "https://api.openai.com/v1", "holds more than host and path; a key goes into api_key"
    ),
    Field(examples=["https://api.openai.com/v1"]),
]
ListUrl = Annotated[
    Url,
    url_validator(
        "https://example.org/models.json", "holds more than host, path and query", has_query=True
    ),
]
_API_KEY_PATTERN = re.compile(r"[!-~]+")
_MAX_KEY_LENGTH = 4096


def _strip(value: Any) -> Any:
    """What is copied often brings its line's end along."""
    return value.strip() if isinstance(value, str) else value


def _validate_api_key(key: SecretStr) -> SecretStr:
    if not 0 < len(key) <= _MAX_KEY_LENGTH:
        raise ValueError(f"is empty, or longer than {_MAX_KEY_LENGTH} characters")
    if not _API_KEY_PATTERN.fullmatch(key.get_secret_value()):
        raise ValueError("holds a blank, or what is no letter, digit or sign of ASCII")
    return key


ApiKey = Annotated[
    RevealedSecret,
    Field(
        description="Kept encrypted; never shown again",
        json_schema_extra={"minLength": 1, "maxLength": _MAX_KEY_LENGTH, "pattern": r"^[!-~]+$"},
    ),
    BeforeValidator(_strip),
    AfterValidator(_validate_api_key),
]


class ProviderCreate(RequestBody):
    """A new server of models."""

    model_config = example(name="Ollama at home", base_url="http://127.0.0.1:11434/v1")

    name: Name
    base_url: BaseUrl
    api_key: ApiKey | None = None
    is_active: bool = True


class ProviderUpdate(RequestBody):
    """The fields to change; those left out stay. `api_key`: null removes it.

    A base_url of another server (scheme, host or port) needs the api_key again, or null: a kept key
    goes to no server that it was not given for.
    """

    model_config = example(is_active=False)

    name: Name | None = None
    base_url: BaseUrl | None = None
    api_key: ApiKey | None = None
    is_active: bool | None = None
    source: ProviderSource | None = Field(
        None,
        description="environment: the next start gives it OPENAI_BASE_URL and OPENAI_API_KEY"
        " again; one provider at most",
    )


class ProviderRead(Contract):
    """A server that speaks OpenAI's protocol."""

    id: UUID
    name: str
    base_url: str
    api_key_state: ApiKeyState = Field(
        description="unreadable: kept with a LLM_MODEL_DECRYPT_KEY that is no longer there"
    )
    is_active: bool
    source: ProviderSource = Field(
        description="environment: follows OPENAI_BASE_URL and OPENAI_API_KEY at each start, until"
        " an administrator changes its base_url or api_key"
    )
    created_at: UtcDatetime
    updated_at: UtcDatetime


class ProviderTestRequest(RequestBody):
    """What to try."""

    model_config = example(model="gpt-6-luna")

    model: ModelName | None = Field(
        None, description="Ask it for a word too; null: only whether the server knows us"
    )


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
    """What came of it."""

    is_healthy: bool
    error_code: ProviderErrorCode | None = None
    detail: str = Field(description="What was seen and, if it is not well, what to do")
    seconds: float
    model_names: list[str] = Field(
        default_factory=list, description="Those that the server lists, at most 1000"
    )


class LlmModelCreate(RequestBody):
    """A new model of a provider."""

    model_config = example(
        provider_id=EXAMPLE_IDS["providers"],
        provider_model_name="gpt-6-luna",
        parameters={"reasoning_effort": "none"},
        capabilities=["tools", "vision", "streaming"],
        input_price="0.10",
        cached_input_price="0.01",
        output_price="0.50",
    )

    provider_id: UUID
    provider_model_name: ModelName = Field(
        description="As the provider calls it and an assistant's `model` names it",
        examples=["gpt-6-luna"],
    )
    api: ModelApi = Field("chat", description="chat: Chat Completions; responses: Responses")
    parameters: Parameters = Field(default_factory=dict)
    capabilities: Capabilities = Field(default_factory=list)
    input_price: Price | None = Field(None, description="null: not known")
    cached_input_price: Price | None = Field(None, description="null: as input_price")
    output_price: Price | None = Field(None, description="null: not known")
    is_user_selectable: bool = Field(False, description="Whether people may choose it by /model")
    is_active: bool = True


class LlmModelUpdate(RequestBody):
    """The fields to change; those left out stay."""

    model_config = example(parameters={})

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


class LlmModelRead(Contract):
    """A model of a provider."""

    id: UUID
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
    created_at: UtcDatetime
    updated_at: UtcDatetime


class ModelImport(RequestBody):
    """A list of models: given here, as a file would hold it, or to be fetched.

    In the form of `GET /models` ({"data": [{"id": …}]}), of ours ({"models": [{…}]}, each as for
    `POST /models` without provider_id), or of LiteLLM's table of prices ({"<name>":
    {"input_cost_per_token": …}}).
    """

    model_config = example(
        provider_id=EXAMPLE_IDS["providers"], models={"data": [{"id": "gpt-6-luna"}]}, dry_run=True
    )

    provider_id: UUID
    models: JsonObject | None = Field(None, description="The list; null: fetch it")
    url: ListUrl | None = Field(
        None, description="Where the list is; null: what the provider itself lists, with its key"
    )
    only: list[ModelName] = Field(
        default_factory=list, max_length=1000, description="Names to take; empty: all"
    )
    dry_run: bool = Field(False, description="Say what would be done, and do nothing")


class SkippedModel(Contract):
    """A model that is not taken."""

    name: str
    reason: str


class ModelImportRead(Contract):
    """What became of the list."""

    created: list[str]
    updated: list[str]
    unchanged: list[str]
    skipped: list[SkippedModel]
