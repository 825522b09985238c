"""The log files of local mode."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from control import log_tail, replicas
from control.errors import ControlError
from control.log_tail import LogEntry, LogTail


class LocalLogs:
    """The log files of some services, or of all."""

    def __init__(self, folder: Path, services: Sequence[str]) -> None:
        available = sorted(log.stem for log in folder.glob("*.log"))
        self.names = _select_names(services, available) if available else []
        self._tails = [LogTail(name, folder / f"{name}.log") for name in self.names]

    def read_last(self, count: int) -> list[LogEntry]:
        return log_tail.merge_last(self._tails, count)

    def follow(self) -> Iterator[LogEntry]:
        return log_tail.follow(self._tails)


def _select_names(services: Sequence[str], available: list[str]) -> list[str]:
    """Return the logs of all replicas; by default without the installer's, which is long."""
    for name in services:
        if name not in available:
            raise ControlError(f"there is no log of {name} yet; there are: {', '.join(available)}")
    chosen = services or [name for name in available if name != "install"]
    return [name for name in available if replicas.parse_service_name(name) in chosen] or available
