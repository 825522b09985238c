"""What is looked at before anything is started."""

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from control import disk, ports
from control.context import Context
from control.docker import engine
from control.docker.compose import Compose
from control.errors import ControlError
from control.local.component import Component, Port

MIN_FREE_BYTES = 500 * 1024 * 1024
"""Bytes that must be free: a database in want of space stops in the middle of things."""


def check_ports(components: Iterable[Component]) -> None:
    """Raises ControlError for the first port that cannot be had."""
    seen: dict[int, Port] = {}
    for name, port in ((part.name, port) for part in components for port in part.ports):
        number = port.number
        if number in seen:
            raise ControlError(f"{seen[number]} and {port} are both {number}: change one of them")
        seen[number] = port
        if error := ports.find_bind_error(number):
            raise ControlError(
                f"port {number}, where {name} would listen, {error}:"
                f" end what uses it or set {port.variable} to another port"
            )


def explain_port_conflict(context: Context, port_taken: ControlError) -> ControlError:
    """What to say of a port that is taken, which may be by this folder's own containers."""
    with contextlib.suppress(ControlError):  # then nobody can tell
        if engine.is_available(context.environ):
            containers = Compose.from_context(context).list_containers()
            if any(container.state == "running" for container in containers):
                first = "./manage.py stop --docker"
                return ControlError(f"this folder's suite runs in Docker: {first} first")
    return port_taken


def check_disk_space(folder: Path, min_free: int = MIN_FREE_BYTES) -> None:
    """Raises ControlError where the disk is as good as full."""
    free = shutil.disk_usage(folder).free
    if free < min_free:
        raise ControlError(
            f"the disk is full: {disk.format_megabytes(free)} free for {folder},"
            f" at least {disk.format_megabytes(min_free)} are needed"
        )
