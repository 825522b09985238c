"""The background process that keeps the suite running."""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from control import replicas
from control.context import Context
from control.errors import ControlError
from control.file_lock import FileLock
from control.local.component import Component
from control.local.process import Process
from control.local.process_runner import ProcessRunner, log_line
from control.local.run_directory import DesiredState, RunDirectory
from control.local.suite import Suite

_MAINTENANCE_INTERVAL_SECONDS = 60.0
_POLL_SECONDS = 0.05
_MAX_LOG_BYTES = 10 * 1024 * 1024
_BACKUP_COUNT = 3
"""The number of older files of each log; `<component>.log.1` is the newest."""

SuiteLoader = Callable[[Mapping[str, str]], Suite]
"""Loads the suite with the current settings and the environment of an operator."""


def run(context: Context, options: argparse.Namespace) -> int:
    """Run as the supervisor. This is the hidden command that `start` runs in the background."""

    def load_suite(environ: Mapping[str, str]) -> Suite:
        return Suite.from_context(replace(context, environ=environ), Path(options.python))

    with FileLock(options.lock):
        asyncio.run(supervise(load_suite(context.environ), load_suite))
    return 0


async def supervise(suite: Suite, load_suite: SuiteLoader) -> None:
    """Follow the desired state until SIGTERM. The caller holds the supervisor lock."""
    os.umask(0o077)
    stop_requested = asyncio.Event()
    loop = asyncio.get_running_loop()
    max_processes = replicas.MAX_REPLICAS * len(suite.components)
    # one thread waits for each process
    with ThreadPoolExecutor(max_workers=max_processes) as executor:
        async with asyncio.TaskGroup() as group:
            supervisor = Supervisor(suite, load_suite, executor, group)
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, stop_requested.set)
            loop.add_signal_handler(signal.SIGHUP, supervisor.reload)
            record_supervisor(suite.run_directory)
            log_line("supervisor started")
            supervisor.reload()
            await stop_requested.wait()
            log_line("stopping")
            await supervisor.stop()
    suite.run_directory.remove_status()
    suite.run_directory.remove_environment()
    log_line("stopped")


def record_supervisor(run_directory: RunDirectory) -> None:
    """Write the supervisor's own record if it is missing: without it, no command could stop it."""
    own = Process.from_pid(os.getpid())
    if own and run_directory.find_supervisor() != own:
        run_directory.write_supervisor(own)


class Supervisor:
    """One ProcessRunner for each component."""

    def __init__(
        self, suite: Suite, load_suite: SuiteLoader, executor: Executor, group: asyncio.TaskGroup
    ) -> None:
        self._run_directory = suite.run_directory
        self._load_suite = load_suite
        self._executor = executor
        self._task_group = group
        self._is_stopping = False
        self._runners: dict[str, ProcessRunner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._removing: set[str] = set()
        for part in suite.components:
            self._add(part)
        self._maintenance_task = group.create_task(self._maintain())

    def reload(self) -> None:
        """Read the desired state and its environment when no command is writing them."""
        lock = self._run_directory.try_acquire_command_lock()
        if lock is None:
            asyncio.get_running_loop().call_later(_POLL_SECONDS, self.reload)
            return
        with lock:
            self._apply_desired_states()

    def _apply_desired_states(self) -> None:
        if self._is_stopping:
            return
        states = self._run_directory.read_desired_states()
        if not states:
            log_line("desired_state.json is lost or damaged: everything stays as it is")
            self._run_directory.remove_environment()
            return
        self._reload_components(states)
        for name, runner in self._runners.items():
            if name in states:
                self._removing.discard(name)
                runner.set_desired_state(states[name])
            elif name not in self._removing:
                self._remove(name, runner)

    async def stop(self) -> None:
        """End the services, then the databases."""
        self._is_stopping = True
        for holds_data in (False, True):
            runners = self._runners.values()
            ending = [it for it in runners if it.component.is_database == holds_data]
            for runner in ending:
                runner.set_desired_state(DesiredState(should_run=False))
            await asyncio.gather(*(runner.wait_until_stopped() for runner in ending))
        for task in (*self._tasks.values(), self._maintenance_task):
            task.cancel()

    def _add(self, component: Component) -> None:
        runner = ProcessRunner(component, self._run_directory, self._publish, self._executor)
        self._runners[component.name] = runner
        # looked up when the task starts, because dependencies may be added later
        needs = (self._runners.get(name) for name in component.depends_on)
        task = self._task_group.create_task(runner.run(filter(None, needs)))
        self._tasks[component.name] = task

    def _reload_components(self, states: Mapping[str, DesiredState]) -> None:
        environ = self._run_directory.take_environment()
        if environ is None:
            return
        try:
            parts = self._load_suite(environ).components
        except (ControlError, OSError, ValueError) as error:
            # they have changed since the command checked them
            log_line(f"the settings stay as they were: {error}")
            return
        for part in (part for part in parts if part.name in states):
            runner = self._runners.get(part.name)
            if runner is None:
                self._add(part)
            elif runner.is_restart_needed(states[part.name]):
                runner.component = part

    def _remove(self, name: str, runner: ProcessRunner) -> None:
        """End a component and forget it, unless it is added again meanwhile."""

        async def remove_when_stopped() -> None:
            await runner.wait_until_stopped()
            if name in self._removing:
                self._removing.remove(name)
                self._tasks.pop(name).cancel()
                del self._runners[name]
                self._publish()

        self._removing.add(name)
        runner.set_desired_state(DesiredState(should_run=False))
        self._task_group.create_task(remove_when_stopped())

    def _publish(self) -> None:
        # a full disk must not end the suite; the status may be outdated
        with contextlib.suppress(OSError):
            status = {name: runner.status for name, runner in self._runners.items()}
            self._run_directory.write_status(status)

    async def _maintain(self) -> None:
        while True:
            await asyncio.sleep(_MAINTENANCE_INTERVAL_SECONDS)
            with contextlib.suppress(OSError):
                await asyncio.to_thread(rotate_logs, self._run_directory.logs)
            with contextlib.suppress(OSError):
                record_supervisor(self._run_directory)


def rotate_logs(folder: Path) -> None:
    """Rotate each log that is too large.

    Services write directly to their logs, so they continue if the supervisor dies. A log is
    therefore copied and truncated rather than renamed; a line written in between is lost.
    """
    for log in (path for path in folder.glob("*.log") if path.stat().st_size >= _MAX_LOG_BYTES):
        backups = [log.with_name(f"{log.name}.{number}") for number in range(1, _BACKUP_COUNT + 1)]
        for newer, older in reversed(list(pairwise(backups))):
            with contextlib.suppress(FileNotFoundError):
                newer.replace(older)
        try:
            shutil.copy2(log, backups[0])
        except OSError:  # the disk is probably full: space matters more than old lines
            backups[0].unlink(missing_ok=True)
        os.truncate(log, 0)
