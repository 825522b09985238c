"""Secrets that nobody should have to think up."""

import base64
import os
import secrets
import stat
import string
from collections.abc import Callable, Mapping
from pathlib import Path

from control import dotenv
from control.errors import ControlError

_TOKEN_LETTERS = string.ascii_letters + string.digits + "_-"
_OWNERS = stat.S_IRUSR | stat.S_IWUSR


def _token() -> str:
    return secrets.token_urlsafe(32)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _telegram_token() -> str:
    """A token of the form that Telegram hands out: the bot's id, a colon, 35 characters."""
    bot_id = 1_000_000_000 + secrets.randbelow(9_000_000_000)
    return f"{bot_id}:{''.join(secrets.choice(_TOKEN_LETTERS) for _ in range(35))}"


GENERATED: Mapping[str, Callable[[], str]] = {
    "ADMIN_API_TOKEN": _token,
    "SERVICE_API_TOKEN": _token,
    "REDIS_PASSWORD": _token,
    "POSTGRES_PASSWORD": _token,
    "LLM_MODEL_DECRYPT_KEY": _fernet_key,
    "SANDBOX_CHAT_TOKEN": _token,
}
SANDBOX_TELEGRAM_TOKEN = "SANDBOX_TELEGRAM_TOKEN"  # noqa: S105 - a variable's name
"""The token of the sandbox's bot: stable for a STATE_DIR, because queues are kept per bot."""


def keep(path: Path, present: Mapping[str, str]) -> None:
    """Complete the secrets kept in the file by new ones for what `present` does not have."""
    wanted = {**GENERATED, SANDBOX_TELEGRAM_TOKEN: _telegram_token}
    kept = dotenv.read(path)
    missing = [name for name in wanted if not present.get(name) and not kept.get(name)]
    if missing:
        kept |= {name: wanted[name]() for name in missing}
        write_private(path, "".join(f"{name}={value}\n" for name, value in kept.items()))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, or who could read it before; never half.

    It outlives a power cut: on the disk before it takes its name, and the name soon after. Raises
    ControlError where it is another's and may not stay theirs.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=_OWNERS, exist_ok=False)
    try:
        with fresh.open("w", encoding="utf-8") as file:
            _give_to_same(path, file.fileno())
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    _keep_names(path.parent)


def _give_to_same(path: Path, descriptor: int) -> None:
    """Owner and mode of the file that was there; a mode that lets everybody in was no choice."""
    try:
        before = path.stat()
    except FileNotFoundError:
        return
    now = os.fstat(descriptor)
    try:
        if (before.st_uid, before.st_gid) != (now.st_uid, now.st_gid):
            os.fchown(descriptor, before.st_uid, before.st_gid)
    except PermissionError as error:
        raise ControlError(
            f"{path} belongs to another user: give the command as that one"
        ) from error
    mode = stat.S_IMODE(before.st_mode)
    os.fchmod(descriptor, _OWNERS if mode & stat.S_IRWXO else mode)


def _keep_names(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
