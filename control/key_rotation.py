"""A new master key before the old ones, while everything runs.

At each moment every process knows the keys of whatever it may be given, however many replicas there
are of one: the new key is put behind the others, and all begin anew and learn to read with it; then
it is put before them, and who encrypts begins anew once more; then what old keys have encrypted is
encrypted anew. Killed in between, the command goes on from there when it is given again.

The old keys stay behind the new one, to read and no more: the other mode and suites with another
STATE_DIR have data of their own and may share the file. Only the operator knows when nobody needs
them any more, and then has them dropped.
"""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from control import services
from control.context import Context
from control.errors import ControlError
from control.file_lock import FileLock
from control.http_client import JsonResponse, RequestFailed, request
from control.master_keys import KEY_VARIABLE, MasterKeys, fingerprint, generate_key

_REENCRYPTION_TIMEOUT_SECONDS = 600.0
"""Seconds that encrypting everything anew may take."""
_CONNECT_TIMEOUT_SECONDS = 10.0
"""Seconds after which a service that got well must be reached."""
_POLL_SECONDS = 0.2
_MAX_ROUNDS = 5
_RETRY_ADVICE = "once that is mended, give the command again"

NOT_RUNNING_MESSAGE = "nothing runs, so nothing can be encrypted anew: ./manage.py start first"

RestartService = Callable[[Context, str], bool]
"""Has every process of a service begin anew with the settings of now; whether all got well."""


def rotate(context: Context, running: Collection[str], restart: RestartService) -> int:
    """`running`: the services that do; the others learn of the key when they are started.

    Raises ControlError with what to do.
    """
    with _exclusive_rotation(context, running) as (keys, progress):
        key = _find_interrupted_key(context, keys, progress) or _add_new_key(
            context, keys, progress
        )
        _activate_key(context, keys, key, running, restart)
        progress.write_text("", "utf-8")
        context.terminal.print_line(f"Keep a copy of the new {KEY_VARIABLE} with your backups.")
        context.terminal.print_line(
            f"The old key stays behind it in {keys.path}, to read with: the other mode and suites"
            " with another STATE_DIR may need it."
        )
        context.terminal.print_line("When none of them does: ./manage.py rotate-keys --drop-old")
    return 0


def drop_old(context: Context, running: Collection[str], restart: RestartService) -> int:
    """Keep the newest key alone, once nothing of this suite needs another one. A rotation that was
    broken off is brought to its end before.

    Raises ControlError with what to do; the old keys are then still there.
    """
    with _exclusive_rotation(context, running) as (keys, progress):
        key = _find_interrupted_key(context, keys, progress) or keys.get_primary()
        _activate_key(context, keys, key, running, restart)
        with FileLock.acquire(keys.path.parent):
            keys.retain_primary()
        progress.write_text("", "utf-8")
        context.terminal.print_success("old keys", f"are gone from {keys.path}")
        _restart_key_users(context, running, restart)
    return 0


@contextmanager
def _exclusive_rotation(
    context: Context, running: Collection[str]
) -> Iterator[tuple[MasterKeys, Path]]:
    """The keys while no other command changes them, and the file that tells of a rotation that was
    broken off: both beside each other, because several suites may share them."""
    if services.SCHEMA_OWNER not in running:
        raise ControlError(
            f"{services.SCHEMA_OWNER} does not run, and it is who encrypts anew: ./manage.py start"
            f" --service {services.SCHEMA_OWNER} first"
        )
    keys = MasterKeys.locate(context.root, context.environ)
    state_file = keys.path.with_name(f"{keys.path.name}.rotation")
    lock = FileLock.try_acquire(state_file)
    if lock is None:
        raise ControlError("another ./manage.py rotate-keys is at work")
    try:
        yield keys, state_file
    finally:
        lock.release()


def _find_interrupted_key(context: Context, keys: MasterKeys, state_file: Path) -> str | None:
    """The key of a rotation that was broken off."""
    key = keys.find_by_fingerprint(state_file.read_text("utf-8"))
    if key is not None:
        context.terminal.print_line("A rotation has begun earlier; it goes on.")
    return key


def _add_new_key(context: Context, keys: MasterKeys, state_file: Path) -> str:
    """A new key, which is read with and no more."""
    key = generate_key()
    state_file.write_text(fingerprint(key), "utf-8")
    with FileLock.acquire(keys.path.parent):  # a start may be completing the same file
        keys.append(key)
    context.terminal.print_success("new key", f"the last of {KEY_VARIABLE} in {keys.path}")
    return key


def _activate_key(
    context: Context, keys: MasterKeys, key: str, running: Collection[str], restart: RestartService
) -> None:
    """Encrypt with it whatever there is, once everybody can read that."""
    _restart_key_users(context, running, restart)
    with FileLock.acquire(keys.path.parent):
        is_promoted = keys.promote(key)
    if is_promoted:
        context.terminal.print_success("new key", f"the first of {KEY_VARIABLE} in {keys.path}")
        _restart_key_users(context, {services.SCHEMA_OWNER}, restart)
    with context.terminal.step("encrypt anew"):
        _reencrypt_all(context)


def _restart_key_users(context: Context, running: Collection[str], restart: RestartService) -> None:
    """Those who decrypt before the one who encrypts; who does not run stays as it is."""
    now = replace(context)  # which reads the settings anew
    table = now.settings.select_services(now.services)
    key_users = {one.name for one in table if one.port and KEY_VARIABLE in one.variables}
    key_users &= set(running)
    for name in sorted(key_users, key=lambda name: name == services.SCHEMA_OWNER):
        if not restart(now, name):
            raise ControlError(f"{name} does not get well (./manage.py logs); {_RETRY_ADVICE}")


def _reencrypt_all(context: Context) -> None:
    """Returns when nothing is encrypted with an old key any more, nor what assistants read."""
    for _ in range(_MAX_ROUNDS):
        answer = _request_reencryption(context)
        if unreadable := answer["unreadable"]:
            raise ControlError(
                f"{unreadable} of the kept keys and secrets cannot be read with any key, so the old"
                " ones stay: give those that say unreadable in GET /api/providers and /api/secrets"
                f" again, or remove them; {_RETRY_ADVICE}"
            )
        if not answer["rewritten"]:
            return
    raise ControlError(f"something is encrypted with an old key again and again; {_RETRY_ADVICE}")


def _request_reencryption(context: Context) -> dict[str, int]:
    settings = replace(context).settings
    url = f"{settings.values['REST_SERVICE_URL']}/api/secrets/rotation"
    answer = _post_with_retry(url, settings.values["ADMIN_API_TOKEN"])
    if not answer.ok:
        said = f"rest_service does not encrypt anew: {answer.detail}"
        raise ControlError(f"{said}; the old keys stay: {_RETRY_ADVICE}")
    return dict(answer.body)


def _post_with_retry(url: str, token: str) -> JsonResponse:
    """Of a service that has just begun anew; to ask it twice does no harm."""
    deadline = time.monotonic() + _CONNECT_TIMEOUT_SECONDS
    while True:
        try:
            return request("POST", url, token=token, timeout=_REENCRYPTION_TIMEOUT_SECONDS)
        except RequestFailed as error:
            if time.monotonic() > deadline:
                raise ControlError(f"{error}; the old keys stay: {_RETRY_ADVICE}") from error
        time.sleep(_POLL_SECONDS)
