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


def test_encrypted_secret_can_be_decrypted_and_reveals_nothing() -> None:
    vault, row = Vault(MASTER_KEYS), uuid4()
    encrypted = vault.encrypt(row, SECRET)

    assert vault.decrypt(row, encrypted) == SECRET
    assert "sk-" not in encrypted
    assert vault.encrypt(row, SECRET) != encrypted


def test_secret_moved_to_another_row_cannot_be_decrypted() -> None:
    vault = Vault(MASTER_KEYS)
    assert vault.decrypt(uuid4(), vault.encrypt(uuid4(), SECRET)) is None


def test_newest_key_encrypts_and_older_keys_decrypt() -> None:
    row = uuid4()
    assert Vault((NEW, OLD)).decrypt(row, Vault((OLD,)).encrypt(row, SECRET)) == SECRET
    assert Vault((OLD,)).decrypt(row, Vault((NEW, OLD)).encrypt(row, SECRET)) is None
    assert Vault((Fernet.generate_key().decode(),)).decrypt(row, "no token at all") is None


@pytest.mark.parametrize("content", [[], "a word", {"id": "x"}, {"secret": SECRET}])
def test_foreign_plaintext_under_the_same_key_is_none(content: Any) -> None:
    foreign = Fernet(NEW).encrypt(json.dumps(content).encode()).decode()
    assert Vault((NEW,)).decrypt(uuid4(), foreign) is None


def test_vault_knows_whether_the_newest_key_encrypted() -> None:
    vault, row = Vault((NEW, OLD)), uuid4()

    assert vault.is_encrypted_with_newest_key(vault.encrypt(row, SECRET))
    assert not vault.is_encrypted_with_newest_key(Vault((OLD,)).encrypt(row, SECRET))
    assert not vault.is_encrypted_with_newest_key("no token at all")
    assert not Vault(()).is_encrypted_with_newest_key(vault.encrypt(row, SECRET))


def test_encryption_without_a_key_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        Vault(()).encrypt(uuid4(), SECRET)
    assert refused.value.message == ("Secrets cannot be stored: LLM_MODEL_DECRYPT_KEY is not set.")
    assert Vault(()).decrypt(uuid4(), "x") is None


def test_comma_separated_master_keys_are_each_secret(
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
def test_invalid_master_keys_are_refused_without_showing_them(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("LLM_MODEL_DECRYPT_KEY", wrong)
    with pytest.raises(ConfigurationError) as refused:
        VaultSettings.load()

    assert refused.value.message == (
        "LLM_MODEL_DECRYPT_KEY: must be Fernet keys separated by commas: 32 bytes, URL-safe base64"
    )
