"""The log files of local mode."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from control import log_tail, replicas
from control.errors import ControlError
from control.log_tail import LogTail
from control.mode import LogSource


def open_logs(folder: Path, services: Sequence[str]) -> LogSource:
    """Return the log files of some services, or of all."""
    available = sorted(log.stem for log in folder.glob("*.log"))
    names = _select_names(services, available) if available else []
    tails = [LogTail(name, folder / f"{name}.log") for name in names]
    read_last, follow = partial(log_tail.merge_last, tails), partial(log_tail.follow, tails)
    return LogSource(names, read_last, follow)


def _select_names(services: Sequence[str], available: list[str]) -> list[str]:
    """Return the logs of all replicas; by default without the installer's, which is long."""
    for name in services:
        if name not in available:
            raise ControlError(f"there is no log of {name} yet; there are: {', '.join(available)}")
    chosen = services or [name for name in available if name != "install"]
    return [name for name in available if replicas.parse_service_name(name) in chosen] or available
