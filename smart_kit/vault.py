"""Secrets at rest: no one who reads the database reads them, nor moves them to another row.

The master keys are LLM_MODEL_DECRYPT_KEY; rest_service encrypts, who uses a secret decrypts it in
memory.
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
        raise ValueError("holds Fernet keys with commas, each 32 bytes as URL-safe base64")
    return keys


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return "=" not in key.rstrip("=")  # Fernet overlooks whatever stands behind the first =


FernetKeys = Annotated[SecretStr, AfterValidator(_validate_fernet_keys)]


class VaultSettings(ServiceSettings):
    """The master keys."""

    llm_model_decrypt_key: FernetKeys | None = None
    """Fernet keys that encrypt the API keys of providers and tools, separated by commas. The first
    one encrypts; the others only decrypt. Keep a copy. `./manage.py rotate-keys` adds a new key."""

    @property
    def vault_keys(self) -> tuple[str, ...]:
        """The master keys, the newest first."""
        return _split_keys(self.llm_model_decrypt_key) if self.llm_model_decrypt_key else ()

    @property
    def secrets(self) -> frozenset[str]:
        """Each of the master keys by itself too."""
        return super().secrets | set(self.vault_keys)


class Vault:
    """Encrypts with the first of its keys; reads what any of them has encrypted."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        fernets = [Fernet(key) for key in keys]
        self._newest = fernets[0] if fernets else None
        self._fernet = MultiFernet(fernets) if fernets else None

    def encrypt(self, row_id: UUID, secret: str) -> str:
        """Raises InvalidRequest where there is no key to encrypt with."""
        if self._newest is None:
            raise InvalidRequest(
                "No secret can be kept: this deployment has no LLM_MODEL_DECRYPT_KEY."
            )
        plaintext = json.dumps({"id": str(row_id), "secret": secret})
        return self._newest.encrypt(plaintext.encode()).decode()

    def decrypt(self, row_id: UUID, encrypted: str) -> str | None:
        """The secret; None where our keys do not fit, or it was another row's or another thing."""
        if self._fernet is None:
            return None
        try:
            plaintext = json.loads(self._fernet.decrypt(encrypted))
            return str(plaintext["secret"]) if plaintext["id"] == str(row_id) else None
        except (InvalidToken, ValueError, KeyError, TypeError):  # the key opens other things too
            return None

    def is_encrypted_with_newest_key(self, encrypted: str) -> bool:
        """Whether the first key has encrypted it."""
        if self._newest is None:
            return False
        try:
            self._newest.decrypt(encrypted)
        except (InvalidToken, ValueError, TypeError):
            return False
        return True
