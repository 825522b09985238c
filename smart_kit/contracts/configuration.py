"""The configuration snapshot in Redis: active records only, with resolved links."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import ConfigDict, Field, field_serializer

from smart_kit.contracts.assistants import AssistantType
from smart_kit.contracts.base import Contract, Dollars, JsonObject
from smart_kit.contracts.models import Capability, ModelApi
from smart_kit.contracts.tools import EffectClass, HttpCall, ToolType


class ProviderSnapshot(Contract):
    """A model provider. Its key is encrypted for the row (`smart_kit.vault`)."""

    id: UUID
    name: str
    base_url: str
    encrypted_api_key: str | None = None


class ModelSnapshot(Contract):
    """A model of an active provider."""

    id: UUID
    name: str
    """`provider_model_name`, to which assistants refer."""
    provider_id: UUID
    api: ModelApi = "chat"
    parameters: JsonObject = Field(default_factory=dict)
    capabilities: frozenset[Capability] = frozenset()
    input_price: Dollars | None = None
    """USD per million tokens, as the other prices; None: unknown."""
    cached_input_price: Dollars | None = None
    output_price: Dollars | None = None
    is_user_selectable: bool = False

    @field_serializer("capabilities", when_used="json")
    def _sort_capabilities(self, capabilities: frozenset[Capability]) -> list[Capability]:
        """Sort the set, so that the JSON of equal snapshots is equal in every process."""
        return sorted(capabilities)


class SecretSnapshot(Contract):
    """A secret that tools refer to, encrypted for its row."""

    id: UUID
    name: str
    origin: str
    """The only server that may receive it: `scheme://host[:port]`."""
    encrypted_value: str


class HttpCallSnapshot(HttpCall):
    """The HTTP call of a rest tool. Unknown fields are ignored, as in every snapshot."""

    model_config = ConfigDict(extra="ignore")


class ToolSnapshot(Contract):
    """A tool of one assistant."""

    id: UUID
    name: str
    tool_type: ToolType
    description: str
    input_schema: JsonObject
    effect_class: EffectClass = "none"
    cache_seconds: int = 0
    http_call: HttpCallSnapshot | None = None
    sub_assistant_id: UUID | None = None


class AssistantSnapshot(Contract):
    """An assistant with its tools, which are sorted by name so that prompts stay cacheable."""

    id: UUID
    name: str
    is_secretary: bool
    model: str | None
    """None: the first of the configuration's default models."""
    fallback_models: tuple[str, ...] | None = None
    """Models to try in this order if the own one fails; None: the other default models."""
    instructions: str
    assistant_type: AssistantType
    temperature: float | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    max_context_messages: int | None = None
    max_context_length: int | None = None
    tools: tuple[ToolSnapshot, ...] = ()


class ConfigurationSnapshot(Contract):
    """The configuration that the assistant service needs."""

    version: int
    assistants: tuple[AssistantSnapshot, ...] = ()
    """Oldest first; the first secretary is the default one."""
    providers: tuple[ProviderSnapshot, ...] = ()
    models: tuple[ModelSnapshot, ...] = ()
    secrets: tuple[SecretSnapshot, ...] = ()
    default_models: tuple[str, ...] = ()
    """DEFAULT_MODEL and FALLBACK_MODEL of rest_service's settings."""


def build_model_chain(
    model: str | None, fallback_models: Sequence[str] | None, default_models: Sequence[str]
) -> tuple[str, ...]:
    """Return the names of an assistant's models in the order in which they are tried."""
    own = default_models[:1] if model is None else (model,)
    others = default_models[1:] if fallback_models is None else fallback_models
    return tuple(dict.fromkeys((*own, *others)))
