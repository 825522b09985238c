"""The logs of all services as one."""

import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from control.terminal import LABEL_COLOURS, Terminal

MANAGE_LOGS = ("supervisor", "install")
"""The logs of what is no part of the suite but looks after it."""
_CHUNK_BYTES = 64 * 1024
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)")
_MAX_TIMESTAMP_OFFSET = 80
"""How far into a line its timestamp may begin: other dates may be what the line is about."""
_POLL_SECONDS = 0.2


@dataclass
class LogTail:
    """The end of one log, and what is added to it."""

    name: str
    path: Path
    _position: int = field(default=0, init=False)
    _partial_line: bytes = field(default=b"", init=False)

    def read_last(self, count: int) -> list[str]:
        """The last finished lines; `added` goes on after them."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            self._position = start = file.seek(0, 2)
            text = b""
            while start > 0 and text.count(b"\n") <= count:
                start = max(0, start - _CHUNK_BYTES)
                file.seek(start)
                text = file.read(self._position - start)
        finished, _, self._partial_line = text.rpartition(b"\n")
        return _decode_lines(finished)[-count:] if count else []

    def read_new(self) -> list[str]:
        """The lines finished since the last call."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            if file.seek(0, 2) < self._position:  # put aside and begun anew
                self._position, self._partial_line = 0, b""
            file.seek(self._position)
            text = self._partial_line + file.read()
            self._position = file.tell()
        finished, newline, self._partial_line = text.rpartition(b"\n")
        return _decode_lines(finished) if newline else []


@dataclass(frozen=True)
class LogEntry:
    """A line of somebody's log."""

    name: str
    line: str
    timestamp: float
    """Unix time; lines without a time of their own belong to the one before."""


def merge_last(tails: list[LogTail], count: int) -> list[LogEntry]:
    """The last lines of all logs, in the order of their times."""
    entries = [
        entry for tail in tails for entry in _parse_entries(tail.name, tail.read_last(count))
    ]
    return sorted(entries, key=lambda entry: entry.timestamp)[-count:]


def print_entries(terminal: Terminal, entries: Iterable[LogEntry], names: Sequence[str]) -> None:
    """Each line with the name of whose it is; `names` are those that are known already."""
    width = max(map(len, names), default=0)
    numbers = {name: number for number, name in enumerate(names)}
    for entry in entries:
        number = numbers.setdefault(entry.name, len(numbers))
        colour = LABEL_COLOURS[number % len(LABEL_COLOURS)]
        label = terminal.paint(f"{entry.name:<{width}} │", colour)
        terminal.print_line(f"{label} {entry.line}")


def follow(tails: list[LogTail]) -> Iterator[LogEntry]:
    """What is added from now on, for ever."""
    while True:
        entries = [entry for tail in tails for entry in _parse_entries(tail.name, tail.read_new())]
        yield from sorted(entries, key=lambda entry: entry.timestamp)
        time.sleep(_POLL_SECONDS)


def _parse_entries(name: str, lines: list[str]) -> Iterator[LogEntry]:
    timestamp = 0.0
    for line in lines:
        timestamp = parse_timestamp(line) or timestamp
        yield LogEntry(name, line, timestamp)


def parse_timestamp(line: str) -> float | None:
    """When a line was written, Unix time; None where it does not say."""
    match = _TIMESTAMP.search(_get_json_timestamp(line) or line, 0, _MAX_TIMESTAMP_OFFSET)
    if match is None:
        return None
    return datetime.fromisoformat(f"{match[1]}T{match[2][:15]}").replace(tzinfo=UTC).timestamp()


def _get_json_timestamp(line: str) -> str:
    """The time of a JSON line, wherever it stands in it."""
    if not line.startswith("{"):
        return ""
    try:
        return str(json.loads(line).get("timestamp", ""))
    except ValueError:
        return ""


def _decode_lines(text: bytes) -> list[str]:
    return text.decode(errors="replace").splitlines()
