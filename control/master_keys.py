"""The master keys where an operator keeps them: LLM_MODEL_DECRYPT_KEY, who encrypts first."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from control import dotenv, environment
from control.credentials import SECRET_GENERATORS, write_private_file
from control.errors import ControlError

KEY_VARIABLE = "LLM_MODEL_DECRYPT_KEY"


@dataclass(frozen=True)
class MasterKeys:
    """The line of one file; every other line of it stays as it is."""

    path: Path

    @classmethod
    def locate(cls, root: Path, environ: Mapping[str, str]) -> "MasterKeys":
        """Raises ControlError where they are in no file that may be changed."""
        if environ.get(KEY_VARIABLE):
            raise ControlError(
                f"{KEY_VARIABLE} comes from the environment of this command, where it stays: put it"
                " into .env in place of that"
            )
        path = environment.find_source_file(root, environ, KEY_VARIABLE)
        if not dotenv.read_variable(path, KEY_VARIABLE):
            raise ControlError(f"there is no {KEY_VARIABLE} yet: ./manage.py start makes it")
        return cls(path.resolve())

    def get_primary(self) -> str:
        """The one that is encrypted with."""
        return self._read()[0]

    def find_by_fingerprint(self, key_fingerprint: str) -> str | None:
        """The key that has this mark, if it is there."""
        return next((key for key in self._read() if fingerprint(key) == key_fingerprint), None)

    def append(self, key: str) -> None:
        """Behind those there are: to read with."""
        self._write([*self._read(), key])

    def promote(self, key: str) -> bool:
        """Before the others: to encrypt with. False: there it is already."""
        if self.get_primary() == key:
            return False
        self._write([key, *(other for other in self._read() if other != key)])
        return True

    def retain_primary(self) -> None:
        """Keep the first alone."""
        self._write(self._read()[:1])

    def _read(self) -> list[str]:
        return [
            key.strip()
            for key in dotenv.read_variable(self.path, KEY_VARIABLE).split(",")
            if key.strip()
        ]

    def _write(self, keys: list[str]) -> None:
        with self.path.open(encoding="utf-8", newline="") as file:
            text = file.read()
        write_private_file(self.path, dotenv.replace_value(text, KEY_VARIABLE, ",".join(keys)))


def generate_key() -> str:
    return SECRET_GENERATORS[KEY_VARIABLE]()


def fingerprint(key: str) -> str:
    """What tells it from the others, and nobody what it is."""
    return hashlib.sha256(key.encode()).hexdigest()
