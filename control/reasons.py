"""Why something ended, in one line for the operator."""

import json
import re
import signal
from pathlib import Path

_TAIL = 16 * 1024
_LAST_LINES = 8
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_MODULE = re.compile(r"(?:ModuleNotFoundError|python[\d.]*): No module named '?([\w.]+)")
_TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:\d\d| UTC)?\s*")
_LEVEL = re.compile(r"^\[\s*\w+\s*\]\s*")
_KNOWN = (
    ("no space left on device", "the disk is full"),
    ("address already in use", "its port is in use by another program"),
)
HOPELESS = re.compile(
    r"run \./manage\.py rebuild|disk is full|port is in use|exit status 78|TELEGRAM_TOKEN"
    r"|own tools cannot take"
)
"""What more trying will not heal."""


def of_end(code: int, log: Path, start: int = 0) -> str:
    """What the end of a process means, from its exit status and what it wrote since `start`."""
    return end(code, _tail(log, start))


def end(code: int, log: str) -> str:
    """The same from the end of its log; a negative status is a signal's."""
    if code < 0:
        return f"ended by a signal: {signal.strsignal(-code) or -code}"
    last = meaning(log)
    return f"exit status {code}: {last}" if last else f"exit status {code}, without a word"


def last_words(log: Path, start: int = 0) -> str:
    """The last line that a process wrote, or what it is known to mean."""
    return meaning(_tail(log, start))


def last_lines(log: Path, start: int = 0) -> tuple[str, ...]:
    """The end of a log as a report shows it: since `start`, else of earlier lives."""
    return ending(_tail(log, start)) or ending(_tail(log, 0))


def ending(log: str) -> tuple[str, ...]:
    """The same of the end of a log."""
    lines = [line.rstrip() for line in _ANSI.sub("", log).splitlines() if line.strip()]
    return tuple(lines[-_LAST_LINES:])


def meaning(log: str) -> str:
    """The same of the end of a log."""
    text = _ANSI.sub("", log)
    if missing := _MODULE.findall(text):
        return f"the Python module {missing[-1]!r} is missing: run ./manage.py rebuild"
    for sign, meant in _KNOWN:
        if sign in text.lower():
            return meant
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return _plain(lines[-1]) if lines else ""


def _plain(line: str) -> str:
    """A log line without what a program would want of it."""
    if line.startswith("{"):
        try:
            return str(json.loads(line)["event"])
        except (ValueError, KeyError):
            return line
    return _LEVEL.sub("", _TIMESTAMP.sub("", line))


def _tail(log: Path, start: int) -> str:
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            # a log that is shorter than it was has been put aside meanwhile
            file.seek(max(start if start <= size else 0, size - _TAIL))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
