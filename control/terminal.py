"""Output for the operator: a line for each step, colours, and a moving last line on a terminal."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

GREEN, RED, YELLOW, DIM, BOLD = "32", "31", "33", "2", "1"
LABEL_COLOURS = ("36", "35", "34", "33", "32", "96", "95", "94")
_NAME_WIDTH = 24
_QUIET_SECONDS = 15.0
"""Without a terminal: seconds of silence after which the log says what is being waited for."""


class Terminal:
    """Writes lines; on a terminal also one moving line below them."""

    def __init__(self, stream: TextIO, *, is_tty: bool, colour: bool) -> None:
        self._stream = stream
        self.is_tty = is_tty
        self._colour = colour
        self._has_progress_line = False
        self._last_write_at = time.monotonic()

    @classmethod
    def from_stream(cls, stream: TextIO = sys.stdout) -> "Terminal":
        """Return a terminal for a stream: moving and coloured only if it is interactive."""
        is_tty = stream.isatty() and os.environ.get("TERM") != "dumb"
        return cls(stream, is_tty=is_tty, colour=is_tty and not os.environ.get("NO_COLOR"))

    def paint(self, text: str, colour: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._colour else text

    def print_line(self, text: str = "") -> None:
        self.clear_progress()
        self._write(text + "\n")

    def show_progress(self, text: str) -> None:
        """Show what is in progress, on a terminal only. The next line replaces it."""
        if not self.is_tty:
            return
        width = shutil.get_terminal_size().columns - 1
        self._write("\r\033[K" + self.paint(text[:width], DIM))
        self._has_progress_line = True

    def show_waiting(self, text: str) -> None:
        """Show what may take long. Without a terminal, print a line from time to time."""
        if not self.is_tty and time.monotonic() > self._last_write_at + _QUIET_SECONDS:
            self.print_line(f"   {text}")
        self.show_progress(text)

    def clear_progress(self) -> None:
        """Erase the moving line."""
        if self._has_progress_line:
            self._write("\r\033[K")
            self._has_progress_line = False

    def print_success(self, name: str, note: str = "") -> None:
        self._print_result(self._format_sign("✓", "ok", GREEN), name, self.paint(note, DIM))

    def print_failure(self, name: str, reason: str) -> None:
        self._print_result(self._format_sign("✗", "--", RED), name, reason)

    def print_warning(self, text: str) -> None:
        self.print_line(f"{self._format_sign('!', '!', YELLOW)} {text}")

    @contextmanager
    def step(self, name: str, note: str = "") -> Iterator[None]:
        """Show a step as progress, and afterwards a check mark and its duration."""
        self.show_progress(f"… {name} {note}")
        if note and not self.is_tty:
            self.print_line(f"   {name} {note} …")
        started_at = time.monotonic()
        yield
        self.print_success(name, format_seconds(time.monotonic() - started_at))

    def _print_result(self, sign: str, name: str, note: str) -> None:
        self.print_line(f" {sign} {name:<{_NAME_WIDTH}} {note}".rstrip())

    def _format_sign(self, sign: str, plain: str, colour: str) -> str:
        try:
            sign.encode(self._encoding)
        except UnicodeEncodeError:
            sign = plain
        return self.paint(sign, colour)

    @property
    def _encoding(self) -> str:
        """The encoding of the stream; one in memory has none and accepts everything."""
        return self._stream.encoding or "utf-8"

    def _write(self, text: str) -> None:
        self._stream.write(text.encode(self._encoding, "replace").decode(self._encoding))
        self._stream.flush()
        self._last_write_at = time.monotonic()


def format_seconds(duration: float) -> str:
    return f"{duration:.1f} s"
