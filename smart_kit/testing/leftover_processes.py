"""Finds and ends leftover processes of a test run, which it recognizes by their environment.

It reads /proc. On systems without /proc, such as macOS, only suites are found, by their locks.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

RUN_VARIABLE = "SMART_ASSISTANT_TEST_RUN"
"""Variable that passes the folder of the test run to its processes."""
_STATE_VARIABLE = "STATE_DIR"
_PROC = Path("/proc")
HAS_PROC = (_PROC / "self" / "environ").exists()

_SERVER_PROGRAMS = ("postgres", "initdb", "valkey-server")
"""Programs that overwrite their environment; they are recognized by their working folder."""
_EXIT_TIMEOUT_SECONDS = 60.0
"""Seconds that a process may need to end on a busy machine."""
_POLL_INTERVAL_SECONDS = 0.05


def terminate_started_by_tests(folder: Path) -> None:
    """End the processes that tests started themselves, because they could start more."""
    _terminate(lambda process: _list_variable_paths(process, RUN_VARIABLE, folder))


def terminate_all(folder: Path) -> None:
    """End the processes that certainly belong to the run.

    A process that only has its working folder there may be a developer's shell.
    """
    _terminate(
        lambda process: (
            _list_variable_paths(process, RUN_VARIABLE, folder)
            or _list_variable_paths(process, _STATE_VARIABLE, folder)
            or (_is_server(process) and _is_working_in(process, folder))
        )
    )


def find_state_dirs(folder: Path) -> set[Path]:
    """Return the state folders of suites with running processes."""
    return {
        state_dir
        for process in _other_processes()
        for state_dir in _list_variable_paths(process, _STATE_VARIABLE, folder)
    }


def find_pids_of_suite(state_dir: Path) -> list[int]:
    """Return the pids of all processes of a suite."""
    return [
        int(process.name)
        for process in _other_processes()
        if _list_variable_paths(process, _STATE_VARIABLE, state_dir)
    ]


def _terminate(is_target: Callable[[Path], object]) -> None:
    """Terminate processes, then kill the slow ones. Raises RuntimeError if one survives."""
    found = [*filter(is_target, _other_processes())]
    for process in found:
        # SIGTERM has PostgreSQL wait for its clients; either lets it give back shared memory
        _send_signal(process, signal.SIGQUIT if _is_server(process) else signal.SIGTERM)
    if found and (slow := _wait_for_exit(is_target)):
        for process in slow:
            _send_signal(process, signal.SIGKILL)
        if left := _wait_for_exit(is_target):
            raise RuntimeError(f"processes live on: {', '.join(one.name for one in left)}")


def _wait_for_exit(is_target: Callable[[Path], object]) -> list[Path]:
    deadline = time.monotonic() + _EXIT_TIMEOUT_SECONDS
    while (left := [*filter(is_target, _other_processes())]) and time.monotonic() < deadline:
        time.sleep(_POLL_INTERVAL_SECONDS)
    return left


def _other_processes() -> Iterator[Path]:
    return (one for one in _PROC.glob("[0-9]*") if int(one.name) != os.getpid())


def _list_variable_paths(process: Path, variable: str, folder: Path) -> list[Path]:
    """Return the path in a variable of the process, if it is in the folder."""
    start = f"{variable}=".encode()
    try:
        environ = (process / "environ").read_bytes()
    except OSError:  # it has ended, or belongs to another user
        return []
    if start not in environ:  # most; each test process looks at all processes several times
        return []
    entries = environ.split(b"\0")
    paths = (Path(os.fsdecode(one[len(start) :])) for one in entries if one.startswith(start))
    return [path for path in paths if path.is_relative_to(folder)]


def _is_working_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").readlink().is_relative_to(folder)
    except OSError:
        return False


def _is_server(process: Path) -> bool:
    try:
        return (process / "comm").read_text().strip() in _SERVER_PROGRAMS
    except OSError:
        return False


def _send_signal(process: Path, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(process.name), number)
