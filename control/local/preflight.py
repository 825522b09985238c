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
from control.local.part import Part, Port

LEAST_SPACE = 500 * 1024 * 1024
"""Bytes that must be free: a database in want of space stops in the middle of things."""


def check_ports(parts: Iterable[Part]) -> None:
    """Raises ControlError for the first port that cannot be had."""
    seen: dict[int, Port] = {}
    for name, port in ((part.name, port) for part in parts for port in part.ports):
        number = port.number
        if number in seen:
            raise ControlError(f"{seen[number]} and {port} are both {number}: change one of them")
        seen[number] = port
        if problem := ports.problem(number):
            raise ControlError(
                f"port {number}, where {name} would listen, {problem}:"
                f" end what uses it or set {port.variable} to another port"
            )


def beside_docker(context: Context, port_taken: ControlError) -> ControlError:
    """What to say of a port that is taken, which may be by this folder's own containers."""
    with contextlib.suppress(ControlError):  # then nobody can tell
        if engine.answers(context.environ):
            containers = Compose.of(context).containers()
            if any(container.state == "running" for container in containers):
                first = "./manage.py stop --docker"
                return ControlError(f"this folder's suite runs in Docker: {first} first")
    return port_taken


def check_space(folder: Path, least: int = LEAST_SPACE) -> None:
    """Raises ControlError where the disk is as good as full."""
    free = shutil.disk_usage(folder).free
    if free < least:
        raise ControlError(
            f"the disk is full: {disk.megabytes(free)} free for {folder},"
            f" at least {disk.megabytes(least)} are needed"
        )
