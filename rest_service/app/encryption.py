"""Secrets at rest: no one who reads the database reads them, nor moves them to another row."""

import json
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from smart_kit.errors import InvalidRequest


class Vault:
    """Encrypts with the first of its keys; reads what any of them has encrypted."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys]) if keys else None

    def encrypt(self, row_id: UUID, secret: str) -> str:
        """Raises InvalidRequest where there is no key to encrypt with."""
        if self._fernet is None:
            raise InvalidRequest(
                "No key can be kept: this deployment has no LLM_MODEL_DECRYPT_KEY."
            )
        plain = json.dumps({"id": str(row_id), "secret": secret})
        return self._fernet.encrypt(plain.encode()).decode()

    def decrypt(self, row_id: UUID, encrypted: str) -> str | None:
        """The secret; None where our keys do not fit, or it was another row's or another thing."""
        if self._fernet is None:
            return None
        try:
            plain = json.loads(self._fernet.decrypt(encrypted))
            return str(plain["secret"]) if plain["id"] == str(row_id) else None
        except (InvalidToken, ValueError, KeyError, TypeError):  # the key opens other things too
            return None
