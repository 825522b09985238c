"""A `docker compose` command at work in the background."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from control.docker import timeouts
from control.errors import ControlError

_POLL = 0.1
_MOST = 1 << 16


class Call:
    """What it prints is kept in a log, and heard while it works. Leaving the context ends it."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], root: Path, name: str, log: Path
    ) -> None:
        self.name = name
        self._path = log
        self._rest = b""
        self._last = "it does not say why"
        self._spoke_at = time.monotonic()
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
            start_new_session=True,  # `docker` starts further processes, which end with it
        )
        assert self._process.stdout is not None
        self._output = self._process.stdout
        os.set_blocking(self._output.fileno(), False)

    def __enter__(self) -> "Call":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.end()
        self._output.close()
        self._log.close()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def has_failed(self) -> bool:
        """Whether it has ended, and not well."""
        return bool(self._process.poll())

    def heard(self) -> list[str]:
        """The lines since the last call; raises ControlError where it prints nothing for long."""
        if said := self._read():
            self._spoke_at = time.monotonic()
        elif self.is_running and time.monotonic() > self._spoke_at + timeouts.SILENCE:
            raise ControlError(
                f"docker compose {self.name} has been silent for {timeouts.SILENCE:g} s and was"
                f" ended; its last line: {self._last} (all of it: {self._path})"
            )
        *whole, self._rest = (self._rest + said).split(b"\n")
        lines = [line.decode(errors="replace").rstrip() for line in whole]
        for line in filter(str.strip, lines):
            self._last = line.strip()
        return lines

    def follow(self, hear: Callable[[str], None]) -> None:
        """Have each line heard until it ends; raises ControlError with the last where it fails."""
        runs = True
        while runs:
            runs = self.is_running
            for line in self.heard():
                hear(line)
            self.pause(_POLL)
        if self.has_failed:
            raise self.error()

    def pause(self, seconds: float) -> None:
        """Wait so long, or until it has ended."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return

    def error(self) -> ControlError:
        """Its last words as an error."""
        self.heard()
        last = self._rest.decode(errors="replace").strip() or self._last
        return ControlError(f"docker compose {self.name}: {last} (all of it: {self._path})")

    def end(self) -> None:
        """End it with all that it has started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.is_running:
                os.killpg(self._process.pid, number)
                self.pause(timeouts.ENGINE)

    def _read(self) -> bytes:
        """What has been printed meanwhile, also into the log."""
        said = b""
        while part := self._output.read(_MOST):  # None: no more for now
            said += part
        self._log.write(said)
        self._log.flush()
        return said
