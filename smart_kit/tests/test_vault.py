from uuid import uuid4

import pytest
from cryptography.fernet import Fernet

from rest_service.tests.api_helpers import MASTER_KEYS
from smart_kit.errors import InvalidRequest
from smart_kit.vault import Vault

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


def test_without_a_key_nothing_is_kept() -> None:
    with pytest.raises(InvalidRequest, match="LLM_MODEL_DECRYPT_KEY"):
        Vault(()).encrypt(uuid4(), SECRET)
    assert Vault(()).decrypt(uuid4(), "x") is None
