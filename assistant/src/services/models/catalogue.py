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
    chain,
)
from smart_kit.vault import Vault

from .endpoint import Endpoint
from .endpoints import Endpoints
from .served import Prices, ServedModel

NO_KEY = "none"
"""A server of one's own takes any key, but the SDK insists on one."""

log = structlog.stdlib.get_logger()


class Catalogue:
    """What assistants may ask. Shared by all turns of a configuration."""

    def __init__(
        self, configuration: ConfigurationSnapshot, endpoints: Endpoints, vault: Vault
    ) -> None:
        self.configuration = configuration
        self._endpoints = endpoints
        self._vault = vault
        opened = {one.id: self._endpoint(one) for one in configuration.providers}
        providers = {one.id: one for one in configuration.providers}
        self._models = {
            record.name: _served(record, providers[record.provider_id], opened[record.provider_id])
            for record in configuration.models
            if record.provider_id in providers
        }
        self._all = tuple(endpoint for endpoint in opened.values() if endpoint is not None)

    def chain(self, record: AssistantSnapshot) -> tuple[ServedModel, ...]:
        """Whom an assistant asks, in this order; its own model is the first."""
        names = chain(record.model, record.fallback_models, self.configuration.default_models)
        return tuple(self._models.get(name) or _unknown(name) for name in names)

    def is_choosable(self, name: str) -> bool:
        """Whether people may choose it."""
        model = self._models.get(name)
        return model is not None and model.is_choosable

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep the connections as long as the block runs, whatever is configured meanwhile."""
        self.hold()
        try:
            yield
        finally:
            self.release()

    def hold(self) -> None:
        """Keep the connections until `release`."""
        self._endpoints.hold(self._all)

    def release(self) -> None:
        """End what `hold` began."""
        self._endpoints.release(self._all)

    def _endpoint(self, provider: ProviderSnapshot) -> Endpoint | None:
        """None where its key cannot be read."""
        key: str | None = NO_KEY
        if provider.encrypted_api_key is not None:
            key = self._vault.decrypt(provider.id, provider.encrypted_api_key)
        if key is None:
            log.error(
                "the key of a provider cannot be read: its models are not asked, until it is given"
                " again or LLM_MODEL_DECRYPT_KEY has the key that it was kept with",
                provider=provider.name,
            )
            return None
        return self._endpoints.of(provider.base_url, key)


class Catalogues:
    """Makes them: the newest holds its connections until the next one is there."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._endpoints = Endpoints()
        self._newest: Catalogue | None = None

    def of(self, configuration: ConfigurationSnapshot) -> Catalogue:
        """Of a configuration that is used from now on."""
        before = self._newest
        if before is not None and before.configuration is configuration:
            return before
        self._newest = Catalogue(configuration, self._endpoints, self._vault)
        self._newest.hold()
        if before is not None:
            before.release()
        return self._newest

    async def close(self) -> None:
        """Close all connections."""
        if self._newest is not None:
            self._newest.release()
        await self._endpoints.close()


def _served(
    record: ModelSnapshot, provider: ProviderSnapshot, endpoint: Endpoint | None
) -> ServedModel:
    return ServedModel(
        name=record.name,
        provider=provider.name,
        writer=f"{provider.id}/{_digest(provider.base_url)}/{record.name}",
        endpoint=endpoint,
        problem="" if endpoint is not None else "the key of its provider cannot be read",
        api=record.api,
        parameters=record.parameters,
        capabilities=record.capabilities,
        prices=Prices(record.input_price, record.cached_input_price, record.output_price),
        is_choosable=record.is_choosable,
    )


def _digest(base_url: str) -> str:
    """Another server reads nothing that this one has sealed."""
    return hashlib.blake2b(base_url.encode(), digest_size=4).hexdigest()


def _unknown(name: str) -> ServedModel:
    return ServedModel(name=name, problem="no active model has this name")
