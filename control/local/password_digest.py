"""Remembering which password a server was given, without keeping it."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path

from control.credentials import write_private_file

_ITERATIONS = 100_000


@dataclass(frozen=True)
class PasswordDigestFile:
    """A salted digest in a file."""

    path: Path

    def matches(self, password: str) -> bool:
        try:
            salt, _, digest = self.path.read_text("ascii").partition(" ")
        except FileNotFoundError:
            return False
        return hmac.compare_digest(digest, _digest(password, salt))

    def write(self, password: str) -> None:
        salt = secrets.token_hex(8)
        write_private_file(self.path, f"{salt} {_digest(password, salt)}")


def _digest(password: str, salt: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), _ITERATIONS).hex()
