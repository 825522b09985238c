"""The models of one configuration, and the connections to their servers."""

import hashlib
from contextlib import AbstractContextManager

import structlog

from smart_kit.contracts.configuration import (
    AssistantSnapshot,
    ConfigurationSnapshot,
    ModelSnapshot,
    ProviderSnapshot,
    build_model_chain,
)
from smart_kit.vault import Vault

from .resolved_model import Prices, ResolvedModel
from .transport.endpoint import Endpoint
from .transport.endpoint_pool import EndpointPool

PLACEHOLDER_API_KEY = "none"
"""Sent where a provider has no key, because the SDK requires one."""

log = structlog.stdlib.get_logger()


class ModelRegistry:
    """The models of one configuration, shared by all its turns."""

    def __init__(
        self, configuration: ConfigurationSnapshot, pool: EndpointPool, vault: Vault
    ) -> None:
        """Makes `configuration` the pool's current one."""
        self.configuration = configuration
        self._pool = pool
        self._vault = vault
        opened = {one.id: self._open_endpoint(one) for one in configuration.providers}
        providers = {one.id: one for one in configuration.providers}
        self._models = {
            record.name: _resolve_model(
                record, providers[record.provider_id], opened[record.provider_id]
            )
            for record in configuration.models
            if record.provider_id in providers
        }
        self._endpoints = tuple(endpoint for endpoint in opened.values() if endpoint is not None)
        pool.set_current(self._endpoints)

    def resolve_chain(self, record: AssistantSnapshot) -> tuple[ResolvedModel, ...]:
        """Return the models that the assistant calls, in this order: its own, then fallbacks."""
        names = build_model_chain(
            record.model, record.fallback_models, self.configuration.default_models
        )
        return tuple(self._models.get(name) or _build_unknown_model(name) for name in names)

    def is_user_selectable(self, name: str) -> bool:
        """Return whether users may choose the model of this name."""
        model = self._models.get(name)
        return model is not None and model.is_user_selectable

    def pin(self) -> AbstractContextManager[None]:
        """Keep the connections open in a block, even if the configuration changes meanwhile."""
        return self._pool.pin(self._endpoints)

    def _open_endpoint(self, provider: ProviderSnapshot) -> Endpoint | None:
        """Return the provider's endpoint; None: its key cannot be decrypted."""
        key: str | None = PLACEHOLDER_API_KEY
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
    return ResolvedModel(
        name=record.name,
        provider=provider.name,
        writer=f"{provider.id}/{_hash_url(provider.base_url)}/{record.name}",
        endpoint=endpoint,
        unavailable_reason="" if endpoint is not None else "the key of its provider cannot be read",
        api=record.api,
        parameters=record.parameters,
        capabilities=record.capabilities,
        prices=Prices(record.input_price, record.cached_input_price, record.output_price),
        is_user_selectable=record.is_user_selectable,
    )


def _hash_url(base_url: str) -> str:
    """Return a short hash: extras encrypted by one server are not sent to another one."""
    return hashlib.blake2b(base_url.encode(), digest_size=4).hexdigest()


def _build_unknown_model(name: str) -> ResolvedModel:
    return ResolvedModel(name=name, unavailable_reason="no active model has this name")
