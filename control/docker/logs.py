"""Showing the logs of the containers as one."""

import argparse
import re
from collections.abc import Iterable, Iterator

from control import log_tail, replicas
from control.context import Context
from control.docker import scale
from control.docker.compose import Compose
from control.errors import ControlError
from control.log_tail import LogEntry

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
"""Some versions of Compose wipe lines even where nobody looks."""
_LINE = re.compile(r"(?P<service>\S+)-(?P<number>\d+)\s+\| (?P<time>\S+) ?(?P<text>.*)")

_LOG_OPTIONS = ("--no-color", "--timestamps")


def run(context: Context, options: argparse.Namespace) -> int:
    compose = Compose.from_context(context)
    names = _list_container_names(compose, options.service)
    if not names:
        context.terminal.print_line("There are no logs yet: ./manage.py start makes them.")
        return 0
    compose_services = scale.with_replica_services(options.service)
    output = compose.capture("logs", *_LOG_OPTIONS, "--tail", str(options.lines), *compose_services)
    entries = sorted(_parse_entries(output.splitlines()), key=lambda entry: entry.timestamp)
    last = entries[len(entries) - min(options.lines, len(entries)) :]
    log_tail.print_entries(context.terminal, last, names)
    if options.follow:
        newer = _follow_entries(
            compose, entries[-1].timestamp if entries else 0.0, compose_services
        )
        log_tail.print_entries(context.terminal, newer, names)
    return 0


def _list_container_names(compose: Compose, wanted: list[str]) -> list[str]:
    """Of the containers whose logs are meant."""
    containers = compose.list_containers()
    available = {container.service for container in containers}
    for name in wanted:
        if name not in available:
            known = ", ".join(sorted(available)) or "none"
            raise ControlError(f"there is no log of {name} yet; there are: {known}")
    return [it.name for it in containers if not wanted or it.service in wanted]


def _follow_entries(
    compose: Compose, last_timestamp: float, services: Iterable[str]
) -> Iterator[LogEntry]:
    """What comes from now on, and what came since the last line that was told."""
    since = ("--since", f"{last_timestamp:.6f}") if last_timestamp else ("--tail", "0")
    for entry in _parse_entries(
        compose.stream_lines("logs", "--follow", *_LOG_OPTIONS, *since, *services)
    ):
        if entry.timestamp > last_timestamp:
            yield entry


def _parse_entries(lines: Iterable[str]) -> Iterator[LogEntry]:
    for line in lines:
        if match := _LINE.fullmatch(_ANSI.sub("", line).rstrip("\r\n")):
            service, number = scale.parse_replica(match["service"], int(match["number"]))
            at = log_tail.parse_timestamp(match["time"]) or 0.0
            yield LogEntry(replicas.format_replica_name(service, number), match["text"], at)
