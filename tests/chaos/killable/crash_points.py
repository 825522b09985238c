"""The crash points of a service, before and after each side effect, and the order to die at one."""

import os
import re
import signal
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal, TypeVar

Side = Literal["before", "after"]
T = TypeVar("T")

FOLDER = "kill"
ORDER, PASSED, KILLED = "order", "passed", "killed "
"""Files of `STATE_DIR/kill`: lines `KILL_AT=<name>:<n>`; names passed, and `killed <name>`."""

_inside: ContextVar[bool] = ContextVar("inside a side effect", default=False)
_VARIABLE = re.compile(r"(?<![A-Za-z0-9])(?:[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{64}|-?\d+(?:-\d+)*)")


def mask(text: str) -> str:
    """A key or a path without what differs from one person or record to the next."""
    return _VARIABLE.sub("*", text)


class CrashPoints:
    """The crash points of one process. Each service has one, so only it counts its own orders."""

    def __init__(self, service: str, state_dir: Path) -> None:
        self._service = service
        self._folder = state_dir / FOLDER
        if not self._folder.exists():  # the second time in a process an attempt would be noted
            self._folder.mkdir()

    def await_release(self) -> None:
        """Return when no test holds this service back any more."""
        while (self._folder / held_file(self._service)).exists():
            time.sleep(0.02)

    async def run_effect(
        self,
        effect: str | None,
        call: Callable[[], Awaitable[T]],
        is_real: Callable[[Any], bool] | None = None,
    ) -> T:
        """Make a call that is a side effect of that name; None: it is none.

        `is_real` judges by the answer, where only that tells: then there is no `before`.
        """
        if effect is None or _inside.get():
            return await call()
        if is_real is None:
            self.reach("before", effect)
        token = _inside.set(True)
        try:
            answer = await call()
        finally:
            _inside.reset(token)
        if is_real is None or is_real(answer):
            self.reach("after", effect)
        return answer

    def reach(self, side: Side, effect: str) -> None:
        """Note it, and die here where that is ordered."""
        name = f"{side} {self._service}: {effect}"
        self._note(name)
        if self._is_ordered(name):
            self._note(f"{KILLED}{name}")
            os.kill(os.getpid(), signal.SIGKILL)

    def _note(self, name: str) -> None:
        descriptor = os.open(self._folder / PASSED, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{name}\n".encode())  # so short a line is written whole
        finally:
            os.close(descriptor)

    def _is_ordered(self, name: str) -> bool:
        """Whether this is the pass at which to die: the order is taken away before."""
        try:
            first, *later = (self._folder / ORDER).read_text().splitlines()
        except FileNotFoundError:
            return False
        ordered, _, times = first.rpartition(":")
        if ordered != f"KILL_AT={name}":
            return False
        left = int(times) - 1
        write_order(self._folder, [f"KILL_AT={name}:{left}", *later] if left else later)
        return not left


def held_file(service: str) -> str:
    """In `STATE_DIR/kill`: while it is there, a new process of that service does not begin."""
    return f"held {service}"


def write_order(folder: Path, lines: list[str]) -> None:
    """Each line counts only after the one before it was obeyed; none: nobody has to die."""
    order = folder / ORDER
    if not lines:
        order.unlink(missing_ok=True)
        return
    draft = folder / "order.draft"
    draft.write_text("\n".join(lines))
    draft.replace(order)
