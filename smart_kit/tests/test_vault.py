import json
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet

from rest_service.tests.api_helpers import MASTER_KEYS
from smart_kit.errors import ConfigurationError, InvalidRequest
from smart_kit.vault import Vault, VaultSettings

SECRET = "sk-ключ"
NEW, OLD = MASTER_KEYS


def test_what_is_encrypted_is_read_again_and_shows_nothing() -> None:
    vault, row = Vault(MASTER_KEYS), uuid4()
    encrypted = vault.encrypt(row, SECRET)

    assert vault.decrypt(row, encrypted) == SECRET
    assert "sk-" not in encrypted
    assert vault.encrypt(row, SECRET) != encrypted


def test_a_secret_that_was_moved_to_another_row_is_none() -> None:
    vault = Vault(MASTER_KEYS)
    assert vault.decrypt(uuid4(), vault.encrypt(uuid4(), SECRET)) is None


def test_the_newest_key_encrypts_and_the_older_ones_still_read() -> None:
    row = uuid4()
    assert Vault((NEW, OLD)).decrypt(row, Vault((OLD,)).encrypt(row, SECRET)) == SECRET
    assert Vault((OLD,)).decrypt(row, Vault((NEW, OLD)).encrypt(row, SECRET)) is None
    assert Vault((Fernet.generate_key().decode(),)).decrypt(row, "no token at all") is None


@pytest.mark.parametrize("content", [[], "a word", {"id": "x"}, {"secret": SECRET}])
def test_what_our_key_opens_and_no_vault_has_written_is_none(content: Any) -> None:
    foreign = Fernet(NEW).encrypt(json.dumps(content).encode()).decode()
    assert Vault((NEW,)).decrypt(uuid4(), foreign) is None


def test_it_is_known_which_key_has_encrypted_a_secret() -> None:
    vault, row = Vault((NEW, OLD)), uuid4()

    assert vault.is_encrypted_with_newest_key(vault.encrypt(row, SECRET))
    assert not vault.is_encrypted_with_newest_key(Vault((OLD,)).encrypt(row, SECRET))
    assert not vault.is_encrypted_with_newest_key("no token at all")
    assert not Vault(()).is_encrypted_with_newest_key(vault.encrypt(row, SECRET))


def test_without_a_key_nothing_is_kept() -> None:
    with pytest.raises(InvalidRequest) as refused:
        Vault(()).encrypt(uuid4(), SECRET)
    assert refused.value.message == ("Secrets cannot be stored: LLM_MODEL_DECRYPT_KEY is not set.")
    assert Vault(()).decrypt(uuid4(), "x") is None


def test_master_keys_stand_with_commas_and_each_is_kept_out_of_logs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = f" {NEW} , {OLD} "
    monkeypatch.setenv("LLM_MODEL_DECRYPT_KEY", written)
    settings = VaultSettings.load()

    assert settings.vault_keys == (NEW, OLD)
    assert settings.secrets == {written, NEW, OLD}


@pytest.mark.parametrize(
    "wrong",
    ["not-a-key", f"{NEW},not-a-key", f"{NEW},", f"{NEW};{OLD}", f"{NEW} {OLD}", f"{NEW}X="],
)
def test_what_is_no_list_of_master_keys_is_refused_without_saying_it(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("LLM_MODEL_DECRYPT_KEY", wrong)
    with pytest.raises(ConfigurationError) as refused:
        VaultSettings.load()

    assert refused.value.message == (
        "LLM_MODEL_DECRYPT_KEY: must be Fernet keys separated by commas: 32 bytes, URL-safe base64"
    )
