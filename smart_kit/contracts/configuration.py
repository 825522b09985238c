"""The snapshot in Redis from which assistants work: active records only, links resolved."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import ConfigDict, Field, field_serializer

from smart_kit.contracts.assistants import AssistantType
from smart_kit.contracts.base import Contract, Dollars, JsonObject
from smart_kit.contracts.models import Capability, ModelApi
from smart_kit.contracts.tools import EffectClass, HttpCall, ToolType


class ProviderSnapshot(Contract):
    """A server of models; its key is encrypted for the row (`smart_kit.vault`)."""

    id: UUID
    name: str
    base_url: str
    encrypted_api_key: str | None = None


class ModelSnapshot(Contract):
    """A model of an active provider."""

    id: UUID
    name: str
    """`provider_model_name`, by which assistants name it."""
    provider_id: UUID
    api: ModelApi = "chat"
    parameters: JsonObject = Field(default_factory=dict)
    capabilities: frozenset[Capability] = frozenset()
    input_price: Dollars | None = None
    """USD per million of tokens, as the others; None: not known."""
    cached_input_price: Dollars | None = None
    output_price: Dollars | None = None
    is_user_selectable: bool = False

    @field_serializer("capabilities", when_used="json")
    def _sort_capabilities(self, capabilities: frozenset[Capability]) -> list[Capability]:
        """A set has an order of its own in each process; the snapshot's text is always the same."""
        return sorted(capabilities)


class SecretSnapshot(Contract):
    """A secret that a tool's call names; encrypted for its row."""

    id: UUID
    name: str
    origin: str
    """The only server it may be sent to: `scheme://host[:port]`."""
    encrypted_value: str


class HttpCallSnapshot(HttpCall):
    """A rest tool's call; a replica of before knows nothing of fields added later."""

    model_config = ConfigDict(extra="ignore")


class ToolSnapshot(Contract):
    """A function as one assistant is offered it."""

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
    """An assistant with its tools, sorted by name so that a model's prompt stays the same."""

    id: UUID
    name: str
    is_secretary: bool
    model: str | None
    """None: the first of the configuration's default models."""
    fallback_models: tuple[str, ...] | None = None
    """Asked in this order where its own fails; None: the configuration's other default models."""
    instructions: str
    assistant_type: AssistantType
    temperature: float | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    max_context_messages: int | None = None
    max_context_length: int | None = None
    tools: tuple[ToolSnapshot, ...] = ()


class ConfigurationSnapshot(Contract):
    """Everything an assistant replica needs."""

    version: int
    assistants: tuple[AssistantSnapshot, ...] = ()
    """Oldest first, so that the first secretary is the default one."""
    providers: tuple[ProviderSnapshot, ...] = ()
    models: tuple[ModelSnapshot, ...] = ()
    secrets: tuple[SecretSnapshot, ...] = ()
    default_models: tuple[str, ...] = ()
    """DEFAULT_MODEL and FALLBACK_MODEL, as rest_service's environment names them."""


def build_model_chain(
    model: str | None, fallback_models: Sequence[str] | None, default_models: Sequence[str]
) -> tuple[str, ...]:
    """The names of the models that an assistant asks, in this order, each once."""
    own = default_models[:1] if model is None else (model,)
    others = default_models[1:] if fallback_models is None else fallback_models
    return tuple(dict.fromkeys((*own, *others)))
