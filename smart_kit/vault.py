"""Encryption of stored secrets. A ciphertext is bound to its row and is useless in another one.

The master keys are LLM_MODEL_DECRYPT_KEY. rest_service encrypts; a service that uses a secret
decrypts it in memory.
"""

import json
from typing import Annotated
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import AfterValidator, SecretStr

from smart_kit.errors import InvalidRequest
from smart_kit.settings import ServiceSettings


def _split_keys(keys: SecretStr) -> tuple[str, ...]:
    return tuple(key.strip() for key in keys.get_secret_value().split(","))


def _validate_fernet_keys(keys: SecretStr) -> SecretStr:
    if not all(map(_is_fernet_key, _split_keys(keys))):
        raise ValueError("must be Fernet keys separated by commas: 32 bytes, URL-safe base64")
    return keys


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return "=" not in key.rstrip("=")  # Fernet ignores anything after the first =


FernetKeys = Annotated[SecretStr, AfterValidator(_validate_fernet_keys)]


class VaultSettings(ServiceSettings):
    """The master keys."""

    llm_model_decrypt_key: FernetKeys | None = None
    """Fernet keys that encrypt the API keys of providers and tools, separated by commas. The first
    one encrypts; the others only decrypt. Keep a copy. `./manage.py rotate-keys` adds a new key."""

    @property
    def vault_keys(self) -> tuple[str, ...]:
        """The master keys, newest first."""
        return _split_keys(self.llm_model_decrypt_key) if self.llm_model_decrypt_key else ()

    @property
    def secrets(self) -> frozenset[str]:
        """The values that no log may show, including each single master key."""
        return super().secrets | set(self.vault_keys)


class Vault:
    """Encrypts with its first key and decrypts with any of its keys."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        fernets = [Fernet(key) for key in keys]
        self._newest = fernets[0] if fernets else None
        self._fernet = MultiFernet(fernets) if fernets else None

    def encrypt(self, row_id: UUID, secret: str) -> str:
        """Encrypt a secret for a row. Raises InvalidRequest if there is no key."""
        if self._newest is None:
            raise InvalidRequest("Secrets cannot be stored: LLM_MODEL_DECRYPT_KEY is not set.")
        plaintext = json.dumps({"id": str(row_id), "secret": secret})
        return self._newest.encrypt(plaintext.encode()).decode()

    def decrypt(self, row_id: UUID, encrypted: str) -> str | None:
        """Return the secret, or None if no key fits or the ciphertext belongs to another row."""
        if self._fernet is None:
            return None
        try:
            plaintext = json.loads(self._fernet.decrypt(encrypted))
            return str(plaintext["secret"]) if plaintext["id"] == str(row_id) else None
        except (InvalidToken, ValueError, KeyError, TypeError):  # may be another text
            return None

    def is_encrypted_with_newest_key(self, encrypted: str) -> bool:
        """Return whether the first key encrypted it."""
        if self._newest is None:
            return False
        try:
            self._newest.decrypt(encrypted)
        except (InvalidToken, ValueError, TypeError):
            return False
        return True
