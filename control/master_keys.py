"""The master keys where an operator keeps them: LLM_MODEL_DECRYPT_KEY, the newest first."""

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

    def begin(self) -> None:
        """Put a fresh key before those there are."""
        self._write([GENERATED[VARIABLE](), *self._read()])

    def drop_old(self) -> None:
        """Keep the newest alone."""
        self._write(self._read()[:1])

    def _read(self) -> list[str]:
        return [key.strip() for key in dotenv.find(self.path, VARIABLE).split(",") if key.strip()]

    def _write(self, keys: list[str]) -> None:
        with self.path.open(encoding="utf-8", newline="") as file:
            text = file.read()
        write_private(self.path, dotenv.changed(text, VARIABLE, ",".join(keys)))
