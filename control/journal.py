"""The logs of all services as one."""

import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from control.terminal import PART_COLOURS, Terminal

OF_MANAGE = ("supervisor", "install")
"""The logs of what is no part of the suite but looks after it."""
_CHUNK = 64 * 1024
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)")
_WITHIN = 80
"""How far into a line its timestamp may begin: other dates may be what the line is about."""
_POLL = 0.2


@dataclass
class Tail:
    """The end of one log, and what is added to it."""

    name: str
    path: Path
    _position: int = field(default=0, init=False)
    _unfinished: bytes = field(default=b"", init=False)

    def last(self, count: int) -> list[str]:
        """The last finished lines; `added` goes on after them."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            self._position = start = file.seek(0, 2)
            text = b""
            while start > 0 and text.count(b"\n") <= count:
                start = max(0, start - _CHUNK)
                file.seek(start)
                text = file.read(self._position - start)
        finished, _, self._unfinished = text.rpartition(b"\n")
        return _decoded(finished)[-count:] if count else []

    def added(self) -> list[str]:
        """The lines finished since the last call."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            if file.seek(0, 2) < self._position:  # put aside and begun anew
                self._position, self._unfinished = 0, b""
            file.seek(self._position)
            text = self._unfinished + file.read()
            self._position = file.tell()
        finished, newline, self._unfinished = text.rpartition(b"\n")
        return _decoded(finished) if newline else []


@dataclass(frozen=True)
class Entry:
    """A line of somebody's log."""

    name: str
    line: str
    at: float
    """Unix time; lines without a time of their own belong to the one before."""


def last(tails: list[Tail], count: int) -> list[Entry]:
    """The last lines of all logs, in the order of their times."""
    entries = [entry for tail in tails for entry in _entries(tail.name, tail.last(count))]
    return sorted(entries, key=lambda entry: entry.at)[-count:]


def show(terminal: Terminal, entries: Iterable[Entry], names: Sequence[str]) -> None:
    """Each line with the name of whose it is; `names` are those that are known already."""
    width = max(map(len, names), default=0)
    numbers = {name: number for number, name in enumerate(names)}
    for entry in entries:
        number = numbers.setdefault(entry.name, len(numbers))
        colour = PART_COLOURS[number % len(PART_COLOURS)]
        label = terminal.paint(f"{entry.name:<{width}} │", colour)
        terminal.line(f"{label} {entry.line}")


def follow(tails: list[Tail]) -> Iterator[Entry]:
    """What is added from now on, for ever."""
    while True:
        entries = [entry for tail in tails for entry in _entries(tail.name, tail.added())]
        yield from sorted(entries, key=lambda entry: entry.at)
        time.sleep(_POLL)


def _entries(name: str, lines: list[str]) -> Iterator[Entry]:
    at = 0.0
    for line in lines:
        at = time_of(line) or at
        yield Entry(name, line, at)


def time_of(line: str) -> float | None:
    """When a line was written, Unix time; None where it does not say."""
    match = _TIMESTAMP.search(_said_time(line) or line, 0, _WITHIN)
    if match is None:
        return None
    return datetime.fromisoformat(f"{match[1]}T{match[2][:15]}").replace(tzinfo=UTC).timestamp()


def _said_time(line: str) -> str:
    """The time of a JSON line, wherever it stands in it."""
    if not line.startswith("{"):
        return ""
    try:
        return str(json.loads(line).get("timestamp", ""))
    except ValueError:
        return ""


def _decoded(text: bytes) -> list[str]:
    return text.decode(errors="replace").splitlines()
