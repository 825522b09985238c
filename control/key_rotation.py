"""A new master key in place of the old ones, while everything runs.

At each moment every process knows the keys of whatever it may be given: first all learn the new
key, who encrypts last of them; then what old keys have encrypted is encrypted anew; then the old
ones go. Killed in between, the command goes on from there when it is given again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from control import services
from control.client import Answer, RequestFailed, request
from control.context import Context
from control.errors import ControlError
from control.lock import Lock
from control.master_keys import VARIABLE, MasterKeys

_PATIENCE = 600.0
"""Seconds that encrypting everything anew may take."""
_SOON = 10.0
"""Seconds after which a service that got well must be reached."""
_POLL = 0.2
_ROUNDS = 5
_AGAIN = "once that is mended, run ./manage.py rotate-keys again"

Restart = Callable[[Context, str], bool]
"""Has every process of a service begin anew with the settings of now; whether all got well."""


def rotate(context: Context, restart: Restart) -> int:
    """Raises ControlError with what to do; the old keys are then still there."""
    with _alone(context):
        keys = MasterKeys.find(context.root, context.environ)
        with Lock.hold(context.state_dir):  # a start may be completing the same file
            is_fresh = keys.begin()
        if is_fresh:
            context.terminal.done("new key", f"the first of {VARIABLE} in {keys.path}")
        else:
            context.terminal.line("A rotation has begun earlier; it goes on.")
        _let_know(context, restart)
        with context.terminal.step("encrypt anew"):
            _encrypt_anew(context)
        with Lock.hold(context.state_dir):
            keys.drop_old()
        context.terminal.done("old keys", f"are gone from {keys.path}")
        _let_know(context, restart)
        context.terminal.line(f"Keep a copy of the new {VARIABLE} with your backups.")
    return 0


@contextmanager
def _alone(context: Context) -> Iterator[None]:
    lock = Lock.take(context.state_dir / "rotation.lock")
    if lock is None:
        raise ControlError("another ./manage.py rotate-keys is at work")
    try:
        yield
    finally:
        lock.release()


def _let_know(context: Context, restart: Restart) -> None:
    """Those who decrypt before the one who encrypts."""
    now = replace(context)  # which reads the settings anew
    running = now.settings.services(now.services)
    concerned = [one.name for one in running if one.port and VARIABLE in one.variables]
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
