"""The logs of the containers."""

import re
from collections.abc import Iterable, Iterator, Sequence

from control import log_tail, replicas
from control.docker import scale
from control.docker.compose import Compose
from control.errors import ControlError
from control.log_tail import LogEntry

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
"""Some versions of Compose write escape sequences even without a terminal."""
_LINE = re.compile(r"(?P<service>\S+)-(?P<number>\d+)\s+\| (?P<time>\S+) ?(?P<text>.*)")

_LOG_OPTIONS = ("--no-color", "--timestamps")


class ContainerLogs:
    """The logs of the containers of some services, or of all."""

    def __init__(self, compose: Compose, services: Sequence[str]) -> None:
        self._compose = compose
        self._services = scale.with_replica_services(services)
        self._last_timestamp = 0.0
        self.names = _list_container_names(compose, services)

    def read_last(self, count: int) -> list[LogEntry]:
        tail = ("--tail", str(count))
        output = self._compose.capture("logs", *_LOG_OPTIONS, *tail, *self._services)
        entries = sorted(_parse_entries(output.splitlines()), key=lambda entry: entry.timestamp)
        if entries:
            self._last_timestamp = entries[-1].timestamp
        return entries[len(entries) - min(count, len(entries)) :]

    def follow(self) -> Iterator[LogEntry]:
        last = self._last_timestamp
        since = ("--since", f"{last:.6f}") if last else ("--tail", "0")
        arguments = ("logs", "--follow", *_LOG_OPTIONS, *since, *self._services)
        for entry in _parse_entries(self._compose.stream_lines(*arguments)):
            if entry.timestamp > last:  # --since repeats the last line
                yield entry


def _list_container_names(compose: Compose, services: Sequence[str]) -> list[str]:
    containers = compose.list_containers()
    available = {container.service for container in containers}
    for name in services if available else ():
        if name not in available:
            known = ", ".join(sorted(available))
            raise ControlError(f"there is no log of {name} yet; there are: {known}")
    return [it.name for it in containers if not services or it.service in services]


def _parse_entries(lines: Iterable[str]) -> Iterator[LogEntry]:
    for line in lines:
        if match := _LINE.fullmatch(_ANSI.sub("", line).rstrip("\r\n")):
            service, number = scale.parse_replica(match["service"], int(match["number"]))
            at = log_tail.parse_timestamp(match["time"]) or 0.0
            yield LogEntry(replicas.format_replica_name(service, number), match["text"], at)
