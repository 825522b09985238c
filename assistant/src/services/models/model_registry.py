"""The models of one configuration: their records, servers and prices."""

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal

import structlog

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.configuration import (
    AssistantSnapshot,
    ConfigurationSnapshot,
    ModelSnapshot,
    ProviderSnapshot,
    build_model_chain,
)
from smart_kit.contracts.models import Capability, ModelApi
from smart_kit.vault import Vault

from .transport.endpoint import Endpoint, EndpointPool

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Prices:
    """USD per million tokens; None: not known."""

    prompt: Decimal | None = None
    cached: Decimal | None = None
    """None: the price of the prompt."""
    completion: Decimal | None = None

    def calculate_cost(self, prompt: int, cached: int, completion: int) -> Decimal | None:
        """Return the cost in USD; `cached` tokens are part of `prompt`. None: not known."""
        if self.prompt is None or self.completion is None:
            return None
        cached_price = self.prompt if self.cached is None else self.cached
        known = min(cached, prompt)
        whole = (prompt - known) * self.prompt + known * cached_price + completion * self.completion
        return whole / 1_000_000


@dataclass(frozen=True)
class ResolvedModel:
    """A model as it can be called."""

    name: str
    provider: str = ""
    writer: str = ""
    """Identifies provider, server and model as the author of extras, across configurations."""
    endpoint: Endpoint | None = None
    unavailable_reason: str = ""
    """Why there is no endpoint."""
    api: ModelApi = "chat"
    parameters: JsonObject = field(default_factory=dict)
    capabilities: frozenset[Capability] = frozenset()
    prices: Prices = Prices()
    is_user_selectable: bool = False


class ModelRegistry:
    """The models of one configuration, shared by all its turns."""

    def __init__(
        self, configuration: ConfigurationSnapshot, pool: EndpointPool, vault: Vault
    ) -> None:
        """Makes `configuration` the pool's current one."""
        self.configuration = configuration
        self._pool = pool
        self._vault = vault
        providers = {
            provider.id: (provider, self._get_endpoint(provider))
            for provider in configuration.providers
        }
        self._models = {
            record.name: _resolve_model(record, *providers[record.provider_id])
            for record in configuration.models
            if record.provider_id in providers
        }
        self._endpoints = tuple(endpoint for _, endpoint in providers.values() if endpoint)
        pool.set_current(self._endpoints)

    def resolve_chain(self, record: AssistantSnapshot) -> tuple[ResolvedModel, ...]:
        """Return the models that the assistant calls, in this order: its own, then fallbacks."""
        names = build_model_chain(
            record.model, record.fallback_models, self.configuration.default_models
        )
        return tuple(
            self._models.get(name)
            or ResolvedModel(name, unavailable_reason="no active model has this name")
            for name in names
        )

    def is_user_selectable(self, name: str) -> bool:
        """Return whether users may choose the model of this name."""
        model = self._models.get(name)
        return model is not None and model.is_user_selectable

    def keep_endpoints_open(self) -> AbstractContextManager[None]:
        """Keep the connections open in a block, even if the configuration changes meanwhile."""
        return self._pool.keep_open(self._endpoints)

    def _get_endpoint(self, provider: ProviderSnapshot) -> Endpoint | None:
        """Return the provider's endpoint; None: its key cannot be decrypted."""
        key: str | None = "none"  # the SDK requires one
        if provider.encrypted_api_key is not None:
            key = self._vault.decrypt(provider.id, provider.encrypted_api_key)
        if key is None:
            log.error(
                "provider key cannot be decrypted: store it again or restore its key in"
                " LLM_MODEL_DECRYPT_KEY",
                provider=provider.name,
            )
            return None
        return self._pool.get(provider.base_url, key)


def _resolve_model(
    record: ModelSnapshot, provider: ProviderSnapshot, endpoint: Endpoint | None
) -> ResolvedModel:
    # with the server's address: extras encrypted by one server are not sent to another one
    url_hash = hashlib.blake2b(provider.base_url.encode(), digest_size=4).hexdigest()
    return ResolvedModel(
        name=record.name,
        provider=provider.name,
        writer=f"{provider.id}/{url_hash}/{record.name}",
        endpoint=endpoint,
        unavailable_reason="" if endpoint is not None else "the key of its provider cannot be read",
        api=record.api,
        parameters=record.parameters,
        capabilities=record.capabilities,
        prices=Prices(record.input_price, record.cached_input_price, record.output_price),
        is_user_selectable=record.is_user_selectable,
    )
