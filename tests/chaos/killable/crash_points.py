"""Crash points before and after each side effect of a service, and the order to be killed at one.

Tests and services communicate by files in `STATE_DIR/kill`. The test writes the orders. A service
appends the name of each crash point that it passes, and kills itself at the one that was ordered.
"""

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
"""`order` has lines `KILL_AT=<name>:<pass>`; `passed` has lines `<name>` and `killed <name>`."""

_is_inside_effect: ContextVar[bool] = ContextVar("inside a side effect", default=False)
_VARIABLE_PART = re.compile(
    r"(?<![A-Za-z0-9])(?:[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{64}|-?\d+(?:-\d+)*)"
)


def mask_ids(text: str) -> str:
    """Replace ids and numbers in a Redis key or a path by `*`."""
    return _VARIABLE_PART.sub("*", text)


class CrashPoints:
    """The crash points of one process.

    Each service runs as one process here, so no other process consumes its orders.
    """

    def __init__(self, service: str, state_dir: Path) -> None:
        self._service = service
        self._folder = state_dir / KILL_FOLDER
        # file_boundary.py is active when this runs for the second time: mkdir would be recorded
        if not self._folder.exists():
            self._folder.mkdir()

    def wait_until_released(self) -> None:
        """Return when no test holds this service down any more."""
        while (self._folder / hold_file_name(self._service)).exists():
            time.sleep(0.02)

    async def run_effect(
        self,
        effect: str | None,
        call: Callable[[], Awaitable[T]],
        has_effect: Callable[[Any], bool] | None = None,
    ) -> T:
        """Make a call, and reach the crash points before and after it.

        `effect` is the name of the side effect; None for a call that has none. `has_effect` decides
        by the reply whether there was one; such a call has no crash point before it. A call within
        another one has no crash points of its own.
        """
        if effect is None or _is_inside_effect.get():
            return await call()
        if has_effect is None:
            self.reach("before", effect)
        token = _is_inside_effect.set(True)
        try:
            reply = await call()
        finally:
            _is_inside_effect.reset(token)
        if has_effect is None or has_effect(reply):
            self.reach("after", effect)
        return reply

    def reach(self, side: Side, effect: str) -> None:
        """Record the crash point, and kill this process if that is ordered."""
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
            os.write(descriptor, f"{name}\n".encode())  # one write of a short line is atomic
        finally:
            os.close(descriptor)

    def _consume_order(self, name: str) -> bool:
        """Return whether to kill the process at this pass; if so, the order is removed."""
        try:
            first, *later = (self._folder / ORDER_FILE).read_text().splitlines()
        except FileNotFoundError:
            return False
        ordered, _, passes = first.rpartition(":")
        if ordered != f"KILL_AT={name}":
            return False
        remaining = int(passes) - 1
        if remaining:
            later.insert(0, f"KILL_AT={name}:{remaining}")
        write_kill_orders(self._folder, later)
        return not remaining


def hold_file_name(service: str) -> str:
    """Return the name of the file that keeps a new process of that service from starting."""
    return f"held {service}"


def write_kill_orders(folder: Path, lines: list[str]) -> None:
    """Replace the orders: lines that are carried out one after the other; none to cancel them."""
    order = folder / ORDER_FILE
    if not lines:
        order.unlink(missing_ok=True)
        return
    draft = folder / "order.draft"
    draft.write_text("\n".join(lines))
    draft.replace(order)
