"""`rotate-keys`: replace the master key while the suite runs.

At any moment every process can decrypt everything that another one encrypts, however many replicas
there are:

1. The new key is appended to the list and all services restart. They can now decrypt with it.
2. The key becomes the first of the list and rest_service, which encrypts, restarts.
3. rest_service re-encrypts everything that is encrypted with an old key.

An interrupted command continues when it is run again.

Old keys stay in the list for decryption: the other mode and suites with another STATE_DIR have data
of their own and may share the file. The operator drops them with --drop-old.
"""

import argparse
import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from control import dotenv, environment, mode_selection, services
from control.context import Context
from control.credentials import generate_master_key, write_private_file
from control.errors import ControlError
from control.file_lock import FileLock
from control.http_client import JsonResponse, RequestFailed, request

KEY_VARIABLE = "LLM_MODEL_DECRYPT_KEY"
_REENCRYPTION_TIMEOUT_SECONDS = 600.0
_CONNECT_TIMEOUT_SECONDS = 10.0
"""Seconds within which a healthy service must accept a connection."""
_POLL_SECONDS = 0.2
_MAX_ROUNDS = 5
_RETRY_ADVICE = "then run the command again"

RestartService = Callable[[Context, str], bool]
"""Restarts a service with the current settings. Returns whether its processes are healthy."""


@dataclass(frozen=True)
class MasterKeys:
    """The line with the keys in a file. All other lines stay unchanged."""

    path: Path

    @classmethod
    def locate(cls, root: Path, environ: Mapping[str, str]) -> "MasterKeys":
        """Find the keys. Raises ControlError if no file that may be changed defines them."""
        if environ.get(KEY_VARIABLE):
            problem = f"{KEY_VARIABLE} comes from the environment of this command, where it stays"
            raise ControlError(f"{problem}: put it into .env in place of that")
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


def run(context: Context, options: argparse.Namespace) -> int:
    mode = mode_selection.select(context, options)
    mode.ensure_manageable()
    running = mode.list_running_services()
    if not running:
        problem = "nothing runs, so nothing can be re-encrypted"
        raise ControlError(f"{problem}: run ./manage.py start first")

    def restart(current: Context, service: str) -> bool:
        return replace(mode, context=current).restart_services([service])

    return (drop_old if options.drop_old else rotate)(context, running, restart)


def rotate(context: Context, running: Collection[str], restart: RestartService) -> int:
    """Add a new key and re-encrypt everything. Other services read it at their next start."""
    with _exclusive_rotation(context, running) as (keys, state_file):
        key = _find_interrupted_key(context, keys, state_file)
        _activate_key(context, keys, key or _add_key(context, keys, state_file), running, restart)
        state_file.write_text("", "utf-8")
    say = context.terminal.print_line
    say(f"Keep a copy of the new {KEY_VARIABLE} with your backups.")
    say(
        f"The old key stays behind it in {keys.path}: the other mode and suites with another"
        " STATE_DIR may still need it to read their data."
    )
    say("When none of them does: ./manage.py rotate-keys --drop-old")
    return 0


def drop_old(context: Context, running: Collection[str], restart: RestartService) -> int:
    """Keep only the newest key. Completes an interrupted rotation first.

    After an error the old keys are still there.
    """
    with _exclusive_rotation(context, running) as (keys, state_file):
        key = _find_interrupted_key(context, keys, state_file) or keys.get_primary()
        _activate_key(context, keys, key, running, restart)
        with FileLock.acquire(keys.path.parent):
            keys.retain_primary()
        state_file.write_text("", "utf-8")
        context.terminal.print_success("old keys", f"are gone from {keys.path}")
        _restart_key_users(context, running, restart)
    return 0


@contextmanager
def _exclusive_rotation(
    context: Context, running: Collection[str]
) -> Iterator[tuple[MasterKeys, Path]]:
    """Yield the keys and, beside them for all who share both, the mark of a started rotation."""
    if (owner := services.SCHEMA_OWNER) not in running:
        problem = f"{owner} does not run, so nothing can be re-encrypted"
        raise ControlError(f"{problem}: ./manage.py start --service {owner} first")
    keys = MasterKeys.locate(context.root, context.environ)
    state_file = keys.path.with_name(f"{keys.path.name}.rotation")
    lock = FileLock.try_acquire(state_file)
    if lock is None:
        raise ControlError("another ./manage.py rotate-keys is running")
    with lock:
        yield keys, state_file


def _find_interrupted_key(context: Context, keys: MasterKeys, state_file: Path) -> str | None:
    key = keys.find_by_fingerprint(state_file.read_text("utf-8"))
    if key is not None:
        context.terminal.print_line("Continuing an interrupted rotation.")
    return key


def _add_key(context: Context, keys: MasterKeys, state_file: Path) -> str:
    key = generate_master_key()
    state_file.write_text(fingerprint(key), "utf-8")
    with FileLock.acquire(keys.path.parent):  # a start may be writing the same file
        keys.append(key)
    context.terminal.print_success("new key", f"the last of {KEY_VARIABLE} in {keys.path}")
    return key


def _activate_key(
    context: Context, keys: MasterKeys, key: str, running: Collection[str], restart: RestartService
) -> None:
    """Encrypt everything with the key, after all services can decrypt with it."""
    _restart_key_users(context, running, restart)
    with FileLock.acquire(keys.path.parent):
        is_promoted = keys.promote(key)
    if is_promoted:
        context.terminal.print_success("new key", f"the first of {KEY_VARIABLE} in {keys.path}")
        _restart_key_users(context, {services.SCHEMA_OWNER}, restart)
    with context.terminal.step("re-encrypt"):
        _reencrypt_all(context)


def _restart_key_users(context: Context, running: Collection[str], restart: RestartService) -> None:
    """Restart the running services that use keys, rest_service last."""
    now = replace(context)  # a copy has not loaded the settings yet
    table = now.settings.select_services(now.services)
    key_users = {it.name for it in table if it.port and KEY_VARIABLE in it.variables}
    for name in sorted(key_users.intersection(running), key=lambda it: it == services.SCHEMA_OWNER):
        if not restart(now, name):
            problem = f"{name} does not become healthy (./manage.py logs)"
            raise ControlError(f"{problem}; {_RETRY_ADVICE}")


def _reencrypt_all(context: Context) -> None:
    """Return when nothing is encrypted with an old key any more."""
    for _ in range(_MAX_ROUNDS):
        counts = _request_reencryption(context)
        if unreadable := counts["unreadable"]:
            raise ControlError(
                f"{unreadable} stored API keys and secrets cannot be decrypted with any key, so the"
                " old ones stay: set those that are marked unreadable in GET /api/providers and"
                f" /api/secrets again, or remove them; {_RETRY_ADVICE}"
            )
        if not counts["rewritten"]:
            return
    raise ControlError(f"values are repeatedly encrypted with an old key; {_RETRY_ADVICE}")


def _request_reencryption(context: Context) -> dict[str, int]:
    settings = replace(context).settings
    url = f"{settings.values['REST_SERVICE_URL']}/api/secrets/rotation"
    response = _post_with_retry(url, settings.values["ADMIN_API_TOKEN"])
    if not response.ok:
        problem = f"rest_service does not re-encrypt: {response.detail}"
        raise ControlError(f"{problem}; the old keys stay: {_RETRY_ADVICE}")
    return dict(response.body)


def _post_with_retry(url: str, token: str) -> JsonResponse:
    """Retry, because the service has just restarted. The request is idempotent."""
    deadline = time.monotonic() + _CONNECT_TIMEOUT_SECONDS
    while True:
        try:
            return request("POST", url, token=token, timeout=_REENCRYPTION_TIMEOUT_SECONDS)
        except RequestFailed as error:
            if time.monotonic() > deadline:
                raise ControlError(f"{error}; the old keys stay: {_RETRY_ADVICE}") from error
        time.sleep(_POLL_SECONDS)
