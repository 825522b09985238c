"""Generated secrets, and files that only their owner can read."""

import base64
import os
import secrets
import stat
import string
from collections.abc import Callable, Mapping
from pathlib import Path

from control import dotenv
from control.errors import ControlError

_TOKEN_ALPHABET = string.ascii_letters + string.digits + "_-"
_OWNER_ONLY_MODE = stat.S_IRUSR | stat.S_IWUSR


def _generate_token() -> str:
    return secrets.token_urlsafe(32)


def generate_master_key() -> str:
    """Return a key of Fernet."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _generate_telegram_token() -> str:
    """Return a token in Telegram's format: the bot's id, a colon, 35 characters."""
    bot_id = 1_000_000_000 + secrets.randbelow(9_000_000_000)
    return f"{bot_id}:{''.join(secrets.choice(_TOKEN_ALPHABET) for _ in range(35))}"


SECRET_GENERATORS: Mapping[str, Callable[[], str]] = {
    "ADMIN_API_TOKEN": _generate_token,
    "SERVICE_API_TOKEN": _generate_token,
    "REDIS_PASSWORD": _generate_token,
    "POSTGRES_PASSWORD": _generate_token,
    "LLM_MODEL_DECRYPT_KEY": generate_master_key,
    "SANDBOX_CHAT_TOKEN": _generate_token,
}
SANDBOX_TELEGRAM_TOKEN = "SANDBOX_TELEGRAM_TOKEN"  # noqa: S105 - a variable's name
"""The token of the sandbox's bot, the same for a STATE_DIR, because queues belong to a bot."""


def store_missing_secrets(path: Path, existing: Mapping[str, str]) -> None:
    """Add generated values to the file for all secrets that neither it nor `existing` has."""
    generators = {**SECRET_GENERATORS, SANDBOX_TELEGRAM_TOKEN: _generate_telegram_token}
    stored = dotenv.read(path)
    missing = [name for name in generators if not existing.get(name) and not stored.get(name)]
    if missing:
        stored |= {name: generators[name]() for name in missing}
        write_private_file(path, "".join(f"{name}={value}\n" for name, value in stored.items()))


def build_password_statement(password: str) -> str:
    """Return the SQL that sets the password of the role of the suite."""
    quoted = password.replace("'", "''")
    return f"ALTER ROLE smart_assistant PASSWORD '{quoted}';"


def write_private_file(path: Path, text: str) -> None:
    """Replace a file atomically. A new file is readable by its owner only; an existing one keeps
    its owner and mode, unless others could read it.

    The content is flushed to the disk before the rename, so a power cut leaves either version.
    Raises ControlError if the file belongs to another user and ownership cannot be kept.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=_OWNER_ONLY_MODE, exist_ok=False)
    try:
        with fresh.open("w", encoding="utf-8") as file:
            _preserve_ownership(path, file.fileno())
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    _fsync_folder(path.parent)


def _preserve_ownership(path: Path, descriptor: int) -> None:
    """Copy owner and mode of the file to be replaced; access for all other users is removed."""
    try:
        before = path.stat()
    except FileNotFoundError:
        return
    now = os.fstat(descriptor)
    try:
        if (before.st_uid, before.st_gid) != (now.st_uid, now.st_gid):
            os.fchown(descriptor, before.st_uid, before.st_gid)
    except PermissionError as error:
        problem = f"{path} belongs to another user"
        raise ControlError(f"{problem}: run the command as that user") from error
    mode = stat.S_IMODE(before.st_mode)
    os.fchmod(descriptor, _OWNER_ONLY_MODE if mode & stat.S_IRWXO else mode)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
