"""The models of a configuration, and how long connections to their servers stay open."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet

from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.model_registry import ModelRegistry
from assistant.src.services.models.transport.endpoint import Endpoint, EndpointPool
from assistant.tests.services.models.model_harness import make_fake_turn, make_model_request
from assistant.tests.snapshot_builders import make_assistant
from smart_kit.contracts.configuration import (
    ConfigurationSnapshot,
    ModelSnapshot,
    ProviderSnapshot,
)
from smart_kit.testing.scripted_model import ScriptedModel
from smart_kit.vault import Vault

KEY = Fernet.generate_key().decode()
VAULT = Vault((KEY,))
FIRST, SECOND = UUID(int=1), UUID(int=2)


def make_provider(
    row: UUID, url: str, key: str | None = "sk-1", vault: Vault = VAULT
) -> ProviderSnapshot:
    encrypted = None if key is None else vault.encrypt(row, key)
    return ProviderSnapshot(id=row, name=f"p{row.int}", base_url=url, encrypted_api_key=encrypted)


def make_configuration(*providers: ProviderSnapshot, **changes: Any) -> ConfigurationSnapshot:
    """Return a configuration with a model `m<number>` at each provider."""
    models = tuple(
        ModelSnapshot(id=uuid4(), name=f"m{one.id.int}", provider_id=one.id) for one in providers
    )
    return ConfigurationSnapshot(version=1, providers=providers, models=models, **changes)


def get_endpoint(registry: ModelRegistry, name: str) -> Endpoint:
    (model_snapshot,) = registry.resolve_chain(make_assistant("A", model=name))
    assert model_snapshot.endpoint is not None
    return model_snapshot.endpoint


def is_open(endpoint: Endpoint) -> bool:
    return endpoint._session is not None


async def complete_with(registry: ModelRegistry, name: str) -> str:
    chain = registry.resolve_chain(make_assistant("A", model=name))
    return (await ModelClient().complete(chain, make_model_request(), make_fake_turn())).text


async def test_a_key_is_decrypted_and_sent(model: ScriptedModel) -> None:
    model.add_steps("Hello!", "Hello!")
    pool = EndpointPool()
    both = make_configuration(
        make_provider(FIRST, model.url), make_provider(SECOND, model.url, None)
    )
    registry = ModelRegistry(both, pool, VAULT)
    await complete_with(registry, "m1")
    await complete_with(registry, "m2")
    await pool.close()

    sent = [request.headers["authorization"] for request in model.requests]
    assert sent == ["Bearer sk-1", "Bearer none"]


@pytest.mark.parametrize("vault", [Vault(()), Vault((Fernet.generate_key().decode(),))])
async def test_unreadable_key_affects_only_its_models(
    model: ScriptedModel, capsys: pytest.CaptureFixture[str], vault: Vault
) -> None:
    model.add_steps("From the other.")
    pool = EndpointPool()
    both = make_configuration(
        make_provider(FIRST, model.url),
        make_provider(SECOND, model.url, None),
        default_models=("m1", "m2"),
    )
    chain = ModelRegistry(both, pool, vault).resolve_chain(make_assistant("A"))
    completion = await ModelClient().complete(chain, make_model_request(), make_fake_turn())
    await pool.close()

    assert completion.text == "From the other."
    assert completion.failures[0].reason == "the key of its provider cannot be read"
    printed = capsys.readouterr().out
    assert printed.count("provider key cannot be decrypted") == 1
    assert "p1" in printed


@pytest.mark.parametrize(
    ("record", "names"),
    [
        ({}, ["m1", "m2"]),
        ({"model": "m2"}, ["m2"]),
        ({"model": "x"}, ["x", "m2"]),
        ({"model": "m2", "fallback_models": ("m1",)}, ["m2", "m1"]),
        ({"fallback_models": ()}, ["m1"]),
        ({"model": "m1", "fallback_models": ("m1", "m2", "m1")}, ["m1", "m2"]),
    ],
)
async def test_chain_names_each_model_of_record_and_defaults_once(
    record: dict[str, Any], names: list[str]
) -> None:
    both = make_configuration(
        make_provider(FIRST, "http://a"),
        make_provider(SECOND, "http://b"),
        default_models=("m1", "m2"),
    )
    registry = ModelRegistry(both, EndpointPool(), VAULT)

    assert [one.name for one in registry.resolve_chain(make_assistant("A", **record))] == names


async def test_connection_outlives_configurations_with_its_server_and_key(
    model: ScriptedModel,
) -> None:
    model.add_steps("Hello!")
    pool = EndpointPool()
    first = ModelRegistry(make_configuration(make_provider(FIRST, model.url)), pool, VAULT)
    await complete_with(first, "m1")
    endpoint = get_endpoint(first, "m1")
    renamed = ModelRegistry(make_configuration(make_provider(SECOND, model.url)), pool, VAULT)

    assert get_endpoint(renamed, "m2") is endpoint
    assert is_open(endpoint)
    other_key = ModelRegistry(
        make_configuration(make_provider(SECOND, model.url, "sk-2")), pool, VAULT
    )
    await pool.close()
    assert get_endpoint(other_key, "m2") is not endpoint
    assert not is_open(endpoint)


async def test_running_turn_keeps_the_connection_of_its_configuration(
    model: ScriptedModel,
) -> None:
    model.add_steps("Hello!", "Hello!", "Hello!")
    pool = EndpointPool()
    first = ModelRegistry(make_configuration(make_provider(FIRST, model.url)), pool, VAULT)
    endpoint = get_endpoint(first, "m1")
    with first.keep_endpoints_open():
        await complete_with(first, "m1")
        session = endpoint._session
        ModelRegistry(make_configuration(), pool, VAULT)
        await complete_with(first, "m1")
        assert endpoint._session is session
    await pool.close()
    assert not is_open(endpoint)

    with first.keep_endpoints_open():  # a turn that began before, and asks only now
        assert await complete_with(first, "m1") == "Hello!"
    await pool.close()
    assert not is_open(endpoint)


async def test_turns_and_configuration_share_one_connection() -> None:
    pool = EndpointPool()
    record = make_configuration(make_provider(FIRST, "http://a/v1"))  # nobody asks it
    registry = ModelRegistry(record, pool, VAULT)
    endpoint = get_endpoint(registry, "m1")
    endpoint._get_session()
    with registry.keep_endpoints_open(), registry.keep_endpoints_open():
        pass

    assert is_open(endpoint)
    await pool.close()
    assert not is_open(endpoint)


async def test_extras_of_one_server_are_not_sent_to_another() -> None:
    pool = EndpointPool()
    writers = []
    for url in ("http://a/v1", "http://b/v1", "http://a/v1"):
        registry = ModelRegistry(make_configuration(make_provider(FIRST, url)), pool, VAULT)
        writers.append(registry.resolve_chain(make_assistant("A", model="m1"))[0].writer)
    await pool.close()

    assert writers[0] == writers[2] != writers[1]
