"""Showing the logs of the containers as one."""

import argparse
import re
from collections.abc import Iterable, Iterator

from control import journal, replicas
from control.context import Context
from control.docker import scale
from control.docker.compose import Compose
from control.errors import ControlError
from control.journal import Entry

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
"""Some versions of Compose wipe lines even where nobody looks."""
_LINE = re.compile(r"(?P<service>\S+)-(?P<number>\d+)\s+\| (?P<time>\S+) ?(?P<text>.*)")

_SAYING = ("--no-color", "--timestamps")


def run(context: Context, options: argparse.Namespace) -> int:
    compose = Compose.of(context)
    names = _names(compose, options.service)
    if not names:
        context.terminal.line("There are no logs yet: ./manage.py start makes them.")
        return 0
    mine = scale.expanded(options.service)
    told = compose.read("logs", *_SAYING, "--tail", str(options.lines), *mine)
    entries = sorted(_entries(told.splitlines()), key=lambda entry: entry.at)
    last = entries[len(entries) - min(options.lines, len(entries)) :]
    journal.show(context.terminal, last, names)
    if options.follow:
        newer = _newer(compose, entries[-1].at if entries else 0.0, mine)
        journal.show(context.terminal, newer, names)
    return 0


def _names(compose: Compose, wanted: list[str]) -> list[str]:
    """Of the containers whose logs are meant."""
    containers = compose.containers()
    there = {container.service for container in containers}
    for name in wanted:
        if name not in there:
            known = ", ".join(sorted(there)) or "none"
            raise ControlError(f"there is no log of {name} yet; there are: {known}")
    return [it.name for it in containers if not wanted or it.service in wanted]


def _newer(compose: Compose, told: float, services: Iterable[str]) -> Iterator[Entry]:
    """What comes from now on, and what came since the last line that was told."""
    since = ("--since", f"{told:.6f}") if told else ("--tail", "0")
    for entry in _entries(compose.stream("logs", "--follow", *_SAYING, *since, *services)):
        if entry.at > told:
            yield entry


def _entries(lines: Iterable[str]) -> Iterator[Entry]:
    for line in lines:
        if match := _LINE.fullmatch(_ANSI.sub("", line).rstrip("\r\n")):
            service, number = scale.replica(match["service"], int(match["number"]))
            at = journal.time_of(match["time"]) or 0.0
            yield Entry(replicas.name(service, number), match["text"], at)
