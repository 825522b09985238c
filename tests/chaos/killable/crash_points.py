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

KILL_FOLDER = "kill"
ORDER_FILE, PASSED_FILE, KILLED_PREFIX = "order", "passed", "killed "
"""Files of `STATE_DIR/kill`: lines `KILL_AT=<name>:<n>`; names passed, and `killed <name>`."""

_is_inside_effect: ContextVar[bool] = ContextVar("inside a side effect", default=False)
_VARIABLE_PART = re.compile(
    r"(?<![A-Za-z0-9])(?:[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{64}|-?\d+(?:-\d+)*)"
)


def mask_ids(text: str) -> str:
    """A key or a path without what differs from one person or record to the next."""
    return _VARIABLE_PART.sub("*", text)


class CrashPoints:
    """The crash points of one process. Each service has one, so only it counts its own orders."""

    def __init__(self, service: str, state_dir: Path) -> None:
        self._service = service
        self._folder = state_dir / KILL_FOLDER
        if not self._folder.exists():  # the second time in a process an attempt would be noted
            self._folder.mkdir()

    def wait_until_released(self) -> None:
        """Return when no test holds this service back any more."""
        while (self._folder / hold_file_name(self._service)).exists():
            time.sleep(0.02)

    async def run_effect(
        self,
        effect: str | None,
        call: Callable[[], Awaitable[T]],
        has_effect: Callable[[Any], bool] | None = None,
    ) -> T:
        """Make a call that is a side effect of that name; None: it is none.

        `is_real` judges by the answer, where only that tells: then there is no `before`.
        """
        if effect is None or _is_inside_effect.get():
            return await call()
        if has_effect is None:
            self.reach("before", effect)
        token = _is_inside_effect.set(True)
        try:
            answer = await call()
        finally:
            _is_inside_effect.reset(token)
        if has_effect is None or has_effect(answer):
            self.reach("after", effect)
        return answer

    def reach(self, side: Side, effect: str) -> None:
        """Note it, and die here where that is ordered."""
        name = f"{side} {self._service}: {effect}"
        self._record(name)
        if self._consume_order(name):
            self._record(f"{KILLED_PREFIX}{name}")
            os.kill(os.getpid(), signal.SIGKILL)

    def _record(self, name: str) -> None:
        descriptor = os.open(
            self._folder / PASSED_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600
        )
        try:
            os.write(descriptor, f"{name}\n".encode())  # so short a line is written whole
        finally:
            os.close(descriptor)

    def _consume_order(self, name: str) -> bool:
        """Whether this is the pass at which to die: the order is taken away before."""
        try:
            first, *later = (self._folder / ORDER_FILE).read_text().splitlines()
        except FileNotFoundError:
            return False
        ordered, _, times = first.rpartition(":")
        if ordered != f"KILL_AT={name}":
            return False
        left = int(times) - 1
        write_kill_orders(self._folder, [f"KILL_AT={name}:{left}", *later] if left else later)
        return not left


def hold_file_name(service: str) -> str:
    """In `STATE_DIR/kill`: while it is there, a new process of that service does not begin."""
    return f"held {service}"


def write_kill_orders(folder: Path, lines: list[str]) -> None:
    """Each line counts only after the one before it was obeyed; none: nobody has to die."""
    order = folder / ORDER_FILE
    if not lines:
        order.unlink(missing_ok=True)
        return
    draft = folder / "order.draft"
    draft.write_text("\n".join(lines))
    draft.replace(order)
