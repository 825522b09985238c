"""Which models there are, whose connections are kept, and for how long."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet

from assistant.src.services.models.catalogue import Catalogue, Catalogues
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.endpoint import Endpoint
from assistant.tests.services.models.model_harness import fake_turn, model_request
from assistant.tests.snapshots import assistant
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


def provider(
    row: UUID, url: str, key: str | None = "sk-1", vault: Vault = VAULT
) -> ProviderSnapshot:
    encrypted = None if key is None else vault.encrypt(row, key)
    return ProviderSnapshot(id=row, name=f"p{row.int}", base_url=url, encrypted_api_key=encrypted)


def configuration(*providers: ProviderSnapshot, **changes: Any) -> ConfigurationSnapshot:
    """A model `m<number>` at each."""
    models = tuple(
        ModelSnapshot(id=uuid4(), name=f"m{one.id.int}", provider_id=one.id) for one in providers
    )
    return ConfigurationSnapshot(version=1, providers=providers, models=models, **changes)


def endpoint_of(catalogue: Catalogue, name: str) -> Endpoint:
    (model_snapshot,) = catalogue.chain(assistant("A", model=name))
    assert model_snapshot.endpoint is not None
    return model_snapshot.endpoint


def is_open(endpoint: Endpoint) -> bool:
    return endpoint._client is not None


async def ask(catalogue: Catalogue, name: str) -> str:
    chain = catalogue.chain(assistant("A", model=name))
    return (await ModelClient().complete(chain, model_request(), fake_turn())).text


async def test_a_key_is_decrypted_and_sent(model: ScriptedModel) -> None:
    model.expect("Hello!", "Hello!")
    catalogues = Catalogues(VAULT)
    both = configuration(provider(FIRST, model.url), provider(SECOND, model.url, None))
    catalogue = catalogues.of(both)
    await ask(catalogue, "m1")
    await ask(catalogue, "m2")
    await catalogues.close()

    sent = [asked.headers["authorization"] for asked in model.asked]
    assert sent == ["Bearer sk-1", "Bearer none"]


@pytest.mark.parametrize("vault", [Vault(()), Vault((Fernet.generate_key().decode(),))])
async def test_a_key_that_cannot_be_read_costs_its_models_and_no_others(
    model: ScriptedModel, capsys: pytest.CaptureFixture[str], vault: Vault
) -> None:
    model.expect("From the other.")
    catalogues = Catalogues(vault)
    both = configuration(
        provider(FIRST, model.url), provider(SECOND, model.url, None), default_models=("m1", "m2")
    )
    chain = catalogues.of(both).chain(assistant("A"))
    completion = await ModelClient().complete(chain, model_request(), fake_turn())
    await catalogues.close()

    assert completion.text == "From the other."
    assert completion.failures[0].reason == "the key of its provider cannot be read"
    printed = capsys.readouterr().out
    assert printed.count("the key of a provider cannot be read") == 1
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
async def test_the_chain_is_what_record_and_defaults_name_once_each(
    record: dict[str, Any], names: list[str]
) -> None:
    both = configuration(
        provider(FIRST, "http://a"), provider(SECOND, "http://b"), default_models=("m1", "m2")
    )
    catalogue = Catalogues(VAULT).of(both)

    assert [one.name for one in catalogue.chain(assistant("A", **record))] == names


async def test_a_connection_is_kept_over_configurations_that_name_its_server_and_key(
    model: ScriptedModel,
) -> None:
    model.expect("Hello!")
    catalogues = Catalogues(VAULT)
    first = catalogues.of(configuration(provider(FIRST, model.url)))
    await ask(first, "m1")
    endpoint = endpoint_of(first, "m1")
    renamed = catalogues.of(configuration(provider(SECOND, model.url)))

    assert endpoint_of(renamed, "m2") is endpoint
    assert is_open(endpoint)
    other_key = catalogues.of(configuration(provider(SECOND, model.url, "sk-2")))
    await catalogues.close()
    assert endpoint_of(other_key, "m2") is not endpoint
    assert not is_open(endpoint)


async def test_a_running_turn_keeps_the_connection_of_a_configuration_that_is_gone(
    model: ScriptedModel,
) -> None:
    model.expect("Hello!", "Hello!", "Hello!")
    catalogues = Catalogues(VAULT)
    first = catalogues.of(configuration(provider(FIRST, model.url)))
    endpoint = endpoint_of(first, "m1")
    with first.held():
        await ask(first, "m1")
        client = endpoint._client
        catalogues.of(configuration())
        await ask(first, "m1")
        assert endpoint._client is client
    await catalogues.close()
    assert not is_open(endpoint)

    with first.held():  # a turn that began before, and asks only now
        assert await ask(first, "m1") == "Hello!"
    await catalogues.close()
    assert not is_open(endpoint)


async def test_two_turns_and_the_configuration_hold_one_connection_together() -> None:
    catalogues = Catalogues(VAULT)
    record = configuration(provider(FIRST, "http://a/v1"))  # nobody asks it
    catalogue = catalogues.of(record)
    endpoint = endpoint_of(catalogue, "m1")
    endpoint._open()
    with catalogue.held(), catalogue.held():
        pass

    assert catalogues.of(record) is catalogue
    assert is_open(endpoint)
    await catalogues.close()
    assert not is_open(endpoint)


async def test_what_was_sealed_for_one_server_is_not_sent_to_another_of_the_same_record() -> None:
    catalogues = Catalogues(VAULT)
    writers = []
    for url in ("http://a/v1", "http://b/v1", "http://a/v1"):
        catalogue = catalogues.of(configuration(provider(FIRST, url)))
        writers.append(catalogue.chain(assistant("A", model="m1"))[0].writer)
    await catalogues.close()

    assert writers[0] == writers[2] != writers[1]
