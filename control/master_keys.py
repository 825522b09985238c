"""The operator's master keys: LLM_MODEL_DECRYPT_KEY in `.env` or `secrets.env`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from control import dotenv, environment
from control.credentials import write_private_file
from control.errors import ControlError

KEY_VARIABLE = "LLM_MODEL_DECRYPT_KEY"


@dataclass(frozen=True)
class MasterKeys:
    """The line with the keys in a file. All other lines stay unchanged."""

    path: Path

    @classmethod
    def locate(cls, root: Path, environ: Mapping[str, str]) -> "MasterKeys":
        """Find the keys. Raises ControlError if no file that may be changed defines them."""
        if environ.get(KEY_VARIABLE):
            source = "the environment of this command, where it stays"
            raise ControlError(
                f"{KEY_VARIABLE} comes from {source}: put it into .env in place of that"
            )
        path = environment.find_source_file(root, environ, KEY_VARIABLE)
        if not dotenv.read_variable(path, KEY_VARIABLE):
            raise ControlError(f"there is no {KEY_VARIABLE} yet: ./manage.py start makes it")
        return cls(path.resolve())

    def get_primary(self) -> str:
        """Return the key that encrypts."""
        return self._read()[0]

    def find_by_fingerprint(self, key_fingerprint: str) -> str | None:
        """Return the key with this fingerprint."""
        return next((key for key in self._read() if fingerprint(key) == key_fingerprint), None)

    def append(self, key: str) -> None:
        """Add a key at the end, for decryption only."""
        self._write([*self._read(), key])

    def promote(self, key: str) -> bool:
        """Make a key the first, for encryption. Return False if it already is."""
        if self.get_primary() == key:
            return False
        self._write([key, *(other for other in self._read() if other != key)])
        return True

    def retain_primary(self) -> None:
        """Remove all keys but the first."""
        self._write(self._read()[:1])

    def _read(self) -> list[str]:
        keys = dotenv.read_variable(self.path, KEY_VARIABLE).split(",")
        return list(filter(None, map(str.strip, keys)))

    def _write(self, keys: list[str]) -> None:
        with self.path.open(encoding="utf-8", newline="") as file:
            text = file.read()
        write_private_file(self.path, dotenv.replace_value(text, KEY_VARIABLE, ",".join(keys)))


def fingerprint(key: str) -> str:
    """Return a digest that identifies a key without revealing it."""
    return hashlib.sha256(key.encode()).hexdigest()
