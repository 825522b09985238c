"""A `docker compose` command that runs in the background."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from control.docker import timeouts
from control.errors import ControlError

_POLL_SECONDS = 0.1
_MAX_READ_BYTES = 1 << 16


class ComposeProcess:
    """Logs its output and makes it available. Leaving the context terminates the command."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], root: Path, name: str, log: Path
    ) -> None:
        self.name = name
        self._log_path = log
        self._partial_line = b""
        self._last_line = "it does not say why"
        self._last_output_at = time.monotonic()
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            command,
            env=dict(environ),
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,  # a process group, to end the processes that `docker` starts
        )
        assert self._process.stdout is not None
        self._output = self._process.stdout
        os.set_blocking(self._output.fileno(), False)

    def __enter__(self) -> "ComposeProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.terminate()
        self._output.close()
        self._log.close()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def has_failed(self) -> bool:
        return bool(self._process.poll())

    def read_lines(self) -> list[str]:
        """Return the new lines. Raises ControlError if there has been no output for too long."""
        timeout = timeouts.OUTPUT_TIMEOUT_SECONDS
        if output := self._read_output():
            self._last_output_at = time.monotonic()
        elif self.is_running and time.monotonic() > self._last_output_at + timeout:
            raise ControlError(
                f"docker compose {self.name} has been silent for {timeout:g} s and was ended;"
                f" its last line: {self._last_line} (all of it: {self._log_path})"
            )
        *whole, self._partial_line = (self._partial_line + output).split(b"\n")
        lines = [line.decode(errors="replace").rstrip() for line in whole]
        for line in filter(str.strip, lines):
            self._last_line = line.strip()
        return lines

    def follow(self, on_line: Callable[[str], None]) -> None:
        """Pass each line to a callback until the command ends. Raises ControlError if it fails."""
        runs = True
        while runs:
            runs = self.is_running
            for line in self.read_lines():
                on_line(line)
            self.wait(_POLL_SECONDS)
        if self.has_failed:
            raise self.build_error()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, at most this long."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def build_error(self) -> ControlError:
        """Return an error with its last line."""
        self.read_lines()
        last = self._partial_line.decode(errors="replace").strip() or self._last_line
        return ControlError(f"docker compose {self.name}: {last} (all of it: {self._log_path})")

    def terminate(self) -> None:
        """End it and all processes that it has started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.is_running:
                os.killpg(self._process.pid, number)
                self.wait(timeouts.ENGINE_TIMEOUT_SECONDS)

    def _read_output(self) -> bytes:
        output = b""
        while part := self._output.read(_MAX_READ_BYTES):  # None: no more output for now
            output += part
        self._log.write(output)
        self._log.flush()
        return output
