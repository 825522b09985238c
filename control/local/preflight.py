"""Checks before processes are started."""

import contextlib
import errno
import shutil
import socket
from collections.abc import Iterable
from pathlib import Path

from control import disk, mode_selection
from control.addresses import LOCALHOST
from control.context import Context
from control.errors import ControlError
from control.local.component import Component, Port

MIN_FREE_BYTES = 500 * 1024 * 1024
"""Bytes that must be free: a database without disk space stops in the middle of its work."""


def find_bind_error(port: int) -> str:
    """Return why a server could not listen on a port; empty if it could."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind((LOCALHOST, port))
        except OSError as error:
            return "is in use" if error.errno == errno.EADDRINUSE else f"is refused ({error})"
    return ""


def check_ports(components: Iterable[Component]) -> None:
    """Raise ControlError for the first port that cannot be used."""
    seen: dict[int, Port] = {}
    for name, port in ((part.name, port) for part in components for port in part.ports):
        number = port.number
        if number in seen:
            raise ControlError(f"{seen[number]} and {port} are both {number}: change one of them")
        seen[number] = port
        if error := find_bind_error(number):
            advice = f"end what uses it or set {port.variable} to another port"
            raise ControlError(f"port {number}, where {name} would listen, {error}: {advice}")


def explain_port_conflict(context: Context, error: ControlError) -> ControlError:
    """Return a clearer error if this folder's own containers use the port."""
    with contextlib.suppress(ControlError):  # the engine does not answer
        docker = mode_selection.load("docker", context)
        if docker.is_available() and docker.is_running():
            advice = "./manage.py stop --docker first"
            return ControlError(f"this folder's suite runs in Docker: {advice}")
    return error


def check_disk_space(folder: Path) -> None:
    """Raise ControlError if the disk is almost full."""
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        problem = f"the disk is full: {disk.format_megabytes(free)} free for {folder}"
        needed = disk.format_megabytes(MIN_FREE_BYTES)
        raise ControlError(f"{problem}, at least {needed} are needed")
