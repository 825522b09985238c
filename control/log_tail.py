"""Reading several log files as one."""

import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from control.terminal import LABEL_COLOURS, Terminal

MANAGE_LOGS = ("supervisor", "install")
_CHUNK_BYTES = 64 * 1024
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)")
_MAX_TIMESTAMP_OFFSET = 80
"""The position in a line before which its timestamp must begin; later dates may be content."""
_POLL_SECONDS = 0.2


@dataclass
class LogTail:
    """The end of a log file and what is appended to it."""

    name: str
    path: Path
    _position: int = field(default=0, init=False)
    _partial_line: bytes = field(default=b"", init=False)

    def read_last(self, count: int) -> list[str]:
        """Return the last complete lines; `read_new` continues after them."""
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
        """Return the lines completed since the last call."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            if file.seek(0, 2) < self._position:  # it was rotated
                self._position, self._partial_line = 0, b""
            file.seek(self._position)
            text = self._partial_line + file.read()
            self._position = file.tell()
        finished, newline, self._partial_line = text.rpartition(b"\n")
        return _decode_lines(finished) if newline else []


@dataclass(frozen=True)
class LogEntry:
    """A line of a log."""

    name: str
    line: str
    timestamp: float
    """Unix time. A line without a timestamp has that of the line before."""


def merge_last(tails: list[LogTail], count: int) -> list[LogEntry]:
    """Return the last lines of all logs, in the order of their timestamps."""
    return _sort_entries({tail.name: tail.read_last(count) for tail in tails})[-count:]


def print_entries(terminal: Terminal, entries: Iterable[LogEntry], names: Sequence[str]) -> None:
    """Print each line with its component. The names determine the width and the colours."""
    width = max(map(len, names), default=0)
    numbers = {name: number for number, name in enumerate(names)}
    for entry in entries:
        number = numbers.setdefault(entry.name, len(numbers))
        colour = LABEL_COLOURS[number % len(LABEL_COLOURS)]
        label = terminal.paint(f"{entry.name:<{width}} │", colour)
        terminal.print_line(f"{label} {entry.line}")


def follow(tails: list[LogTail]) -> Iterator[LogEntry]:
    """Yield appended lines, forever."""
    while True:
        yield from _sort_entries({tail.name: tail.read_new() for tail in tails})
        time.sleep(_POLL_SECONDS)


def _sort_entries(lines_by_name: dict[str, list[str]]) -> list[LogEntry]:
    entries = []
    for name, lines in lines_by_name.items():
        timestamp = 0.0
        for line in lines:
            timestamp = parse_timestamp(line) or timestamp
            entries.append(LogEntry(name, line, timestamp))
    return sorted(entries, key=lambda entry: entry.timestamp)


def parse_timestamp(line: str) -> float | None:
    """Return the Unix time of a line; None if it has no timestamp."""
    match = _TIMESTAMP.search(_get_json_timestamp(line) or line, 0, _MAX_TIMESTAMP_OFFSET)
    if match is None:
        return None
    return datetime.fromisoformat(f"{match[1]}T{match[2][:15]}").replace(tzinfo=UTC).timestamp()


def _get_json_timestamp(line: str) -> str:
    if not line.startswith("{"):
        return ""
    try:
        return str(json.loads(line).get("timestamp", ""))
    except ValueError:
        return ""


def _decode_lines(text: bytes) -> list[str]:
    return text.decode(errors="replace").splitlines()
