"""The master keys where an operator keeps them: LLM_MODEL_DECRYPT_KEY, who encrypts first."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from control import dotenv, environment
from control.credentials import GENERATED, write_private
from control.errors import ControlError

VARIABLE = "LLM_MODEL_DECRYPT_KEY"


@dataclass(frozen=True)
class MasterKeys:
    """The line of one file; every other line of it stays as it is."""

    path: Path

    @classmethod
    def find(cls, root: Path, environ: Mapping[str, str]) -> "MasterKeys":
        """Raises ControlError where they are in no file that may be changed."""
        if environ.get(VARIABLE):
            raise ControlError(
                f"{VARIABLE} comes from the environment of this command, where it stays: put it"
                " into .env in place of that"
            )
        path = environment.home_of(root, environ, VARIABLE)
        if not dotenv.find(path, VARIABLE):
            raise ControlError(f"there is no {VARIABLE} yet: ./manage.py start makes it")
        return cls(path.resolve())

    def first(self) -> str:
        """The one that is encrypted with."""
        return self._read()[0]

    def marked(self, mark: str) -> str | None:
        """The key that has this mark, if it is there."""
        return next((key for key in self._read() if mark_of(key) == mark), None)

    def add_last(self, key: str) -> None:
        """Behind those there are: to read with."""
        self._write([*self._read(), key])

    def put_first(self, key: str) -> bool:
        """Before the others: to encrypt with. False: there it is already."""
        if self.first() == key:
            return False
        self._write([key, *(other for other in self._read() if other != key)])
        return True

    def drop_others(self) -> None:
        """Keep the first alone."""
        self._write(self._read()[:1])

    def _read(self) -> list[str]:
        return [key.strip() for key in dotenv.find(self.path, VARIABLE).split(",") if key.strip()]

    def _write(self, keys: list[str]) -> None:
        with self.path.open(encoding="utf-8", newline="") as file:
            text = file.read()
        write_private(self.path, dotenv.changed(text, VARIABLE, ",".join(keys)))


def new_key() -> str:
    return GENERATED[VARIABLE]()


def mark_of(key: str) -> str:
    """What tells it from the others, and nobody what it is."""
    return hashlib.sha256(key.encode()).hexdigest()
