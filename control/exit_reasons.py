"""Explains in one line why a process has ended."""

import json
import re
import signal
from pathlib import Path

_TAIL_BYTES = 16 * 1024
_MAX_TAIL_LINES = 8
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_MISSING_MODULE = re.compile(r"(?:ModuleNotFoundError|python[\d.]*): No module named '?([\w.]+)")
_TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:\d\d| UTC)?\s*")
_LEVEL = re.compile(r"^\[\s*\w+\s*\]\s*")
_KNOWN_ERRORS = (
    ("no space left on device", "the disk is full"),
    ("address already in use", "its port is in use by another program"),
)
PERMANENT_FAILURE = re.compile(
    r"run \./manage\.py rebuild|disk is full|port is in use|exit status 78|TELEGRAM_TOKEN"
    r"|own tools cannot take"
)


def describe_exit(code: int, log: str) -> str:
    """Explain an exit by its status and the end of its log. A negative status is a signal."""
    if 0 < -code < signal.NSIG:
        return f"ended by a signal: {signal.strsignal(-code) or -code}"
    last = explain_log(log)
    return f"exit status {code}: {last}" if last else f"exit status {code}, without output"


def explain_log_file(log: Path, start: int = 0) -> str:
    """Return the last line that a process wrote, or a known explanation of it."""
    return explain_log(read_tail(log, start))


def read_log_tail(log: Path, start: int = 0) -> tuple[str, ...]:
    """Return the last lines after `start`, or those before it if there are none."""
    return tail_lines(read_tail(log, start)) or tail_lines(read_tail(log, 0))


def tail_lines(log: str) -> tuple[str, ...]:
    """Return the last lines of a text, without escape sequences."""
    lines = [line.rstrip() for line in _ANSI.sub("", log).splitlines() if line.strip()]
    return tuple(lines[-_MAX_TAIL_LINES:])


def explain_log(log: str) -> str:
    """Return the last line of a text, or a known explanation of it."""
    text = _ANSI.sub("", log)
    if missing := _MISSING_MODULE.findall(text):
        return f"the Python module {missing[-1]!r} is missing: run ./manage.py rebuild"
    for sign, meant in _KNOWN_ERRORS:
        if sign in text.lower():
            return meant
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return _strip_log_prefix(lines[-1]) if lines else ""


def _strip_log_prefix(line: str) -> str:
    """Return a log line without timestamp and level; of a JSON line the event."""
    if line.startswith("{"):
        try:
            return str(json.loads(line)["event"])
        except (ValueError, KeyError):
            return line
    return _LEVEL.sub("", _TIMESTAMP.sub("", line))


def read_tail(log: Path, start: int = 0) -> str:
    """Return the end of what was written after the position `start`."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            # a log that has become shorter was rotated
            file.seek(max(start if start <= size else 0, size - _TAIL_BYTES))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
