"""Forks a service's processes from one that has imported its modules, and done nothing else.

Most of what a new process does until it works is to import: seconds of a core, the same each time,
and no side effect. So a supervisor has each service that is started often imported once, by a
process of its own that forks the service whenever the supervisor is to start it. The new process is
the supervisor's child, in a session of its own, and recorded as all others are.

`python -m tests.chaos.launcher.fork_server LAUNCHER SERVICE MODULE DESCRIPTOR` is such a process.
"""

import ctypes
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from control.local.process import LaunchSpec, spawn

PR_SET_CHILD_SUBREAPER = 36
"""See prctl(2): whose parent has ended gets the nearest ancestor that has asked for it."""
REQUEST_BYTES = 1 << 17
BOOT_ID_PATH = Path("/proc/sys/kernel/random/boot_id")
IS_SUPPORTED = sys.platform == "linux"


class ForkServers:
    """Those of a supervisor, which waits for their ends when its own comes."""

    def __init__(self, launcher: str, services: Mapping[str, str], folder: Path) -> None:
        """Begins to import the main modules of these services, by name."""
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._servers = {
            name: ForkServer(launcher, name, module, folder) for name, module in services.items()
        }

    def spawn(self, launch: LaunchSpec, record: Path, log: Path) -> Any:
        """Like control.local.process.spawn, which starts all others."""
        for name, server in self._servers.items():
            if name in launch.command:
                return server.spawn(launch, record, log)
        return spawn(launch, record, log)

    def close(self) -> None:
        """Their processes end; those of the services do not."""
        for server in self._servers.values():
            server.close()


class ForkServer:
    """The supervisor's side."""

    def __init__(self, launcher: str, service: str, module: str, folder: Path) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with closing(theirs):
            number = theirs.fileno()
            self._process = subprocess.Popen(
                (sys.executable, "-m", __name__, launcher, service, module, str(number)),
                cwd=folder,
                pass_fds=(number,),
                start_new_session=True,
            )

    def spawn(self, launch: LaunchSpec, record: Path, log: Path) -> "ForkedProcess":
        """The first time it waits for the imports. Raises OSError where they have failed."""
        environment = json.dumps(dict(launch.env)).encode()
        with record.open("wb") as notes, log.open("ab") as output:
            files = [notes.fileno(), output.fileno()]
            socket.send_fds(self._channel, [environment], files)
        answer = self._channel.recv(REQUEST_BYTES)
        if not answer:
            raise OSError(f"{launch.command}: its modules cannot be imported")
        return ForkedProcess(int(answer))

    def close(self) -> None:
        """Return when its process has ended."""
        self._channel.close()
        self._process.wait()


class ForkedProcess:
    """What a keeper needs of subprocess.Popen."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._has_ended = False

    def wait(self) -> int:
        """Its exit status, negative for a signal."""
        _, status = os.waitpid(self.pid, 0)
        self._has_ended = True
        return os.waitstatus_to_exitcode(status)

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing happens where it has ended."""
        if not self._has_ended:
            os.kill(self.pid, number)


def import_main(module: str) -> None:
    """Import all that a main module imports; it is not there itself, so it can be run."""
    importlib.import_module(module)
    del sys.modules[module]


def serve(channel: socket.socket) -> None:
    """Return in each process that is forked; end when the supervisor has ended."""
    while True:
        request, files, _, _ = socket.recv_fds(channel, REQUEST_BYTES, 2)
        if not request:
            sys.exit()
        if _fork_detached():
            break
        for descriptor in files:
            os.close(descriptor)
    _set_up_process(json.loads(request), *files)
    channel.send(str(os.getpid()).encode())
    channel.close()


def _fork_detached() -> bool:
    """Whether this is the new process; its parent is the supervisor."""
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        return False
    parent = os.getpid()
    if os.fork():
        os._exit(0)
    while os.getppid() == parent:
        time.sleep(0.001)
    return True


def _set_up_process(environment: Mapping[str, str], record: int, log: int) -> None:
    """What control.local.process.spawn makes of a process."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    with os.fdopen(record, "w") as notes:
        notes.write(
            f"{os.getpid()}\n{BOOT_ID_PATH.read_text()}{Path('/proc/self/stat').read_text()}"
        )
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, number)
    for descriptor in (nothing, log):
        os.close(descriptor)


def main() -> None:
    """Import, and then be whatever process is asked for."""
    launcher, service, module, descriptor = sys.argv[1:]
    channel = socket.socket(fileno=int(descriptor))
    launch = importlib.import_module(launcher)
    launch.prepare(service)
    import_main(module)
    serve(channel)
    launch.run(service, module)


if __name__ == "__main__":
    main()
