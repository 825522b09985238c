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
from control.client import Answer, RequestFailed, request
from control.context import Context
from control.errors import ControlError
from control.lock import Lock
from control.master_keys import VARIABLE, MasterKeys, mark_of, new_key

_PATIENCE = 600.0
"""Seconds that encrypting everything anew may take."""
_SOON = 10.0
"""Seconds after which a service that got well must be reached."""
_POLL = 0.2
_ROUNDS = 5
_AGAIN = "once that is mended, give the command again"

NOTHING_RUNS = "nothing runs, so nothing can be encrypted anew: ./manage.py start first"

Restart = Callable[[Context, str], bool]
"""Has every process of a service begin anew with the settings of now; whether all got well."""


def rotate(context: Context, running: Collection[str], restart: Restart) -> int:
    """`running`: the services that do; the others learn of the key when they are started.

    Raises ControlError with what to do.
    """
    with _turn(context, running) as (keys, progress):
        key = _under_way(context, keys, progress) or _begin(context, keys, progress)
        _put_to_use(context, keys, key, running, restart)
        progress.write_text("", "utf-8")
        context.terminal.line(f"Keep a copy of the new {VARIABLE} with your backups.")
        context.terminal.line(
            f"The old key stays behind it in {keys.path}, to read with: the other mode and suites"
            " with another STATE_DIR may need it."
        )
        context.terminal.line("When none of them does: ./manage.py rotate-keys --drop-old")
    return 0


def drop_old(context: Context, running: Collection[str], restart: Restart) -> int:
    """Keep the newest key alone, once nothing of this suite needs another one. A rotation that was
    broken off is brought to its end before.

    Raises ControlError with what to do; the old keys are then still there.
    """
    with _turn(context, running) as (keys, progress):
        key = _under_way(context, keys, progress) or keys.first()
        _put_to_use(context, keys, key, running, restart)
        with Lock.hold(keys.path.parent):
            keys.drop_others()
        progress.write_text("", "utf-8")
        context.terminal.done("old keys", f"are gone from {keys.path}")
        _let_know(context, running, restart)
    return 0


@contextmanager
def _turn(context: Context, running: Collection[str]) -> Iterator[tuple[MasterKeys, Path]]:
    """The keys while no other command changes them, and the file that tells of a rotation that was
    broken off: both beside each other, because several suites may share them."""
    if services.WITH_SCHEMA not in running:
        raise ControlError(
            f"{services.WITH_SCHEMA} does not run, and it is who encrypts anew: ./manage.py start"
            f" --service {services.WITH_SCHEMA} first"
        )
    keys = MasterKeys.find(context.root, context.environ)
    progress = keys.path.with_name(f"{keys.path.name}.rotation")
    lock = Lock.take(progress)
    if lock is None:
        raise ControlError("another ./manage.py rotate-keys is at work")
    try:
        yield keys, progress
    finally:
        lock.release()


def _under_way(context: Context, keys: MasterKeys, progress: Path) -> str | None:
    """The key of a rotation that was broken off."""
    key = keys.marked(progress.read_text("utf-8"))
    if key is not None:
        context.terminal.line("A rotation has begun earlier; it goes on.")
    return key


def _begin(context: Context, keys: MasterKeys, progress: Path) -> str:
    """A new key, which is read with and no more."""
    key = new_key()
    progress.write_text(mark_of(key), "utf-8")
    with Lock.hold(keys.path.parent):  # a start may be completing the same file
        keys.add_last(key)
    context.terminal.done("new key", f"the last of {VARIABLE} in {keys.path}")
    return key


def _put_to_use(
    context: Context, keys: MasterKeys, key: str, running: Collection[str], restart: Restart
) -> None:
    """Encrypt with it whatever there is, once everybody can read that."""
    _let_know(context, running, restart)
    with Lock.hold(keys.path.parent):
        is_moved = keys.put_first(key)
    if is_moved:
        context.terminal.done("new key", f"the first of {VARIABLE} in {keys.path}")
        _let_know(context, {services.WITH_SCHEMA}, restart)
    with context.terminal.step("encrypt anew"):
        _encrypt_anew(context)


def _let_know(context: Context, running: Collection[str], restart: Restart) -> None:
    """Those who decrypt before the one who encrypts; who does not run stays as it is."""
    now = replace(context)  # which reads the settings anew
    table = now.settings.services(now.services)
    concerned = {one.name for one in table if one.port and VARIABLE in one.variables}
    concerned &= set(running)
    for name in sorted(concerned, key=lambda name: name == services.WITH_SCHEMA):
        if not restart(now, name):
            raise ControlError(f"{name} does not get well (./manage.py logs); {_AGAIN}")


def _encrypt_anew(context: Context) -> None:
    """Returns when nothing is encrypted with an old key any more, nor what assistants read."""
    for _ in range(_ROUNDS):
        answer = _ask(context)
        if unreadable := answer["unreadable"]:
            raise ControlError(
                f"{unreadable} of the kept keys and secrets cannot be read with any key, so the old"
                " ones stay: give those that say unreadable in GET /api/providers and /api/secrets"
                f" again, or remove them; {_AGAIN}"
            )
        if not answer["rewritten"]:
            return
    raise ControlError(f"something is encrypted with an old key again and again; {_AGAIN}")


def _ask(context: Context) -> dict[str, int]:
    settings = replace(context).settings
    url = f"{settings.values['REST_SERVICE_URL']}/api/secrets/rotation"
    answer = _answer(url, settings.values["ADMIN_API_TOKEN"])
    if not answer.ok:
        said = f"rest_service does not encrypt anew: {answer.detail}"
        raise ControlError(f"{said}; the old keys stay: {_AGAIN}")
    return dict(answer.body)


def _answer(url: str, token: str) -> Answer:
    """Of a service that has just begun anew; to ask it twice does no harm."""
    deadline = time.monotonic() + _SOON
    while True:
        try:
            return request("POST", url, token=token, patience=_PATIENCE)
        except RequestFailed as error:
            if time.monotonic() > deadline:
                raise ControlError(f"{error}; the old keys stay: {_AGAIN}") from error
        time.sleep(_POLL)
