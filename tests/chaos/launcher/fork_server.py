"""Starts the processes of a service by forking one that has already imported its modules.

A new process spends most of its start on imports: seconds of CPU, the same each time, without a
side effect. Therefore the supervisor runs one fork server for each service that is restarted often.
It imports the modules of the service once, and forks a process whenever the supervisor starts the
service. That process is a child of the supervisor, in a session of its own, and is recorded like
any other.

`python -m tests.chaos.launcher.fork_server LAUNCHER SERVICE MODULE DESCRIPTOR` is a fork server.
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
"""See prctl(2): an orphaned process becomes a child of the nearest ancestor that has set this."""
REQUEST_BYTES = 1 << 17
"""The maximal size of a message between the supervisor and a fork server."""
BOOT_ID_PATH = Path("/proc/sys/kernel/random/boot_id")
IS_SUPPORTED = sys.platform == "linux"


class ForkServers:
    """The fork servers of a supervisor, by service."""

    def __init__(self, launcher: str, services: Mapping[str, str], folder: Path) -> None:
        """Start a fork server for each service; `services` maps its name to its main module."""
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._servers = {
            name: ForkServer(launcher, name, module, folder) for name, module in services.items()
        }

    def spawn(self, launch: LaunchSpec, record: Path, log: Path) -> Any:
        """Start a process by its fork server, or else by control.local.process.spawn."""
        for name, server in self._servers.items():
            if name in launch.command:
                return server.spawn(launch, record, log)
        return spawn(launch, record, log)

    def close(self) -> None:
        """End the fork servers. The processes of the services keep running."""
        for server in self._servers.values():
            server.close()


class ForkServer:
    """The supervisor's connection to one fork server."""

    def __init__(self, launcher: str, service: str, module: str, folder: Path) -> None:
        self._channel, server_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with closing(server_end):
            descriptor = server_end.fileno()
            self._process = subprocess.Popen(
                (sys.executable, "-m", __name__, launcher, service, module, str(descriptor)),
                cwd=folder,
                pass_fds=(descriptor,),
                start_new_session=True,
            )

    def spawn(self, launch: LaunchSpec, record: Path, log: Path) -> "ForkedProcess":
        """Start a process; the first call waits for the imports.

        Raises OSError if the imports have failed.
        """
        environment = json.dumps(dict(launch.env)).encode()
        with record.open("wb") as notes, log.open("ab") as output:
            files = [notes.fileno(), output.fileno()]
            socket.send_fds(self._channel, [environment], files)
        reply = self._channel.recv(REQUEST_BYTES)
        if not reply:
            raise OSError(f"{launch.command}: its modules cannot be imported")
        return ForkedProcess(int(reply))

    def close(self) -> None:
        """End the fork server, and wait for its end."""
        self._channel.close()
        self._process.wait()


class ForkedProcess:
    """A forked process, with the part of the interface of subprocess.Popen that control uses."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._has_ended = False

    def wait(self) -> int:
        """Wait for its end, and return its exit status, negative for a signal."""
        _, status = os.waitpid(self.pid, 0)
        self._has_ended = True
        return os.waitstatus_to_exitcode(status)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        if not self._has_ended:
            os.kill(self.pid, number)


def import_main(module: str) -> None:
    """Import everything that a main module imports, but leave the module itself to be run."""
    importlib.import_module(module)
    del sys.modules[module]


def serve(channel: socket.socket) -> None:
    """Fork a process per request. Returns in each forked process; exits with the supervisor."""
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
    """Fork a child of the supervisor. Return whether this is the new process.

    The process in between ends, so the supervisor becomes the parent, see PR_SET_CHILD_SUBREAPER.
    """
    intermediate = os.fork()
    if intermediate:
        os.waitpid(intermediate, 0)
        return False
    parent = os.getpid()
    if os.fork():
        os._exit(0)
    while os.getppid() == parent:
        time.sleep(0.001)
    return True


def _set_up_process(environment: Mapping[str, str], record: int, log: int) -> None:
    """Set up this process as control.local.process.spawn does."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    with os.fdopen(record, "w") as notes:
        notes.write(
            f"{os.getpid()}\n{BOOT_ID_PATH.read_text()}{Path('/proc/self/stat').read_text()}"
        )
    dev_null = os.open(os.devnull, os.O_RDONLY)
    for descriptor, number in ((dev_null, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, number)
    for descriptor in (dev_null, log):
        os.close(descriptor)


def main() -> None:
    """Serve requests; in each forked process, run the service."""
    launcher, service, module, descriptor = sys.argv[1:]
    channel = socket.socket(fileno=int(descriptor))
    launch = importlib.import_module(launcher)
    launch.prepare(service)
    import_main(module)
    serve(channel)
    launch.run(service, module)


if __name__ == "__main__":
    main()
