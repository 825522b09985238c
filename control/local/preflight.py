"""What is looked at before anything is started."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from control import ports
from control.errors import ControlError
from control.local.part import Part

LEAST_SPACE = 500 * 1024 * 1024
"""Bytes that must be free: a database in want of space stops in the middle of things."""


def check_ports(parts: Iterable[Part]) -> None:
    """Raises ControlError for the first port that cannot be had."""
    seen: dict[int, str] = {}
    for part in parts:
        if part.port is None:
            continue
        variable, port = part.port
        if port in seen:
            raise ControlError(f"{seen[port]} and {variable} are both {port}: change one of them")
        seen[port] = variable
        if problem := ports.problem(port):
            raise ControlError(
                f"port {port}, where {part.name} would listen, {problem}:"
                f" end what uses it or set {variable} to another port"
            )


def check_space(folder: Path, least: int = LEAST_SPACE) -> None:
    """Raises ControlError where the disk is as good as full."""
    free = shutil.disk_usage(folder).free
    if free < least:
        raise ControlError(
            f"the disk is full: {_megabytes(free)} free for {folder},"
            f" at least {_megabytes(least)} are needed"
        )


def _megabytes(amount: int) -> str:
    return f"{amount // (1024 * 1024)} MB"
