"""The models of one configuration, and the connections to their servers."""

import contextlib
import hashlib
from collections.abc import Iterator

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
"""A server of one's own takes any key, but the SDK insists on one."""

log = structlog.stdlib.get_logger()


class ModelRegistry:
    """What assistants may ask. Shared by all turns of a configuration."""

    def __init__(
        self, configuration: ConfigurationSnapshot, endpoints: EndpointPool, vault: Vault
    ) -> None:
        self.configuration = configuration
        self._endpoints = endpoints
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
        self._all_endpoints = tuple(
            endpoint for endpoint in opened.values() if endpoint is not None
        )

    def resolve_chain(self, record: AssistantSnapshot) -> tuple[ResolvedModel, ...]:
        """Whom an assistant asks, in this order; its own model is the first."""
        names = build_model_chain(
            record.model, record.fallback_models, self.configuration.default_models
        )
        return tuple(self._models.get(name) or _build_unknown_model(name) for name in names)

    def is_user_selectable(self, name: str) -> bool:
        """Whether people may choose it."""
        model = self._models.get(name)
        return model is not None and model.is_user_selectable

    @contextlib.contextmanager
    def pin(self) -> Iterator[None]:
        """Keep the connections as long as the block runs, whatever is configured meanwhile."""
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def acquire(self) -> None:
        """Keep the connections until `release`."""
        self._endpoints.acquire(self._all_endpoints)

    def release(self) -> None:
        """End what `hold` began."""
        self._endpoints.release(self._all_endpoints)

    def _open_endpoint(self, provider: ProviderSnapshot) -> Endpoint | None:
        """None where its key cannot be read."""
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
        return self._endpoints.get(provider.base_url, key)


class RegistryCache:
    """Makes them: the newest holds its connections until the next one is there."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._endpoints = EndpointPool()
        self._newest: ModelRegistry | None = None

    def get(self, configuration: ConfigurationSnapshot) -> ModelRegistry:
        """Of a configuration that is used from now on."""
        before = self._newest
        if before is not None and before.configuration is configuration:
            return before
        self._newest = ModelRegistry(configuration, self._endpoints, self._vault)
        self._newest.acquire()
        if before is not None:
            before.release()
        return self._newest

    async def close(self) -> None:
        """Close all connections."""
        if self._newest is not None:
            self._newest.release()
        await self._endpoints.close()


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
    """Another server reads nothing that this one has sealed."""
    return hashlib.blake2b(base_url.encode(), digest_size=4).hexdigest()


def _build_unknown_model(name: str) -> ResolvedModel:
    return ResolvedModel(name=name, unavailable_reason="no active model has this name")
