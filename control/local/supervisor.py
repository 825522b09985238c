"""The background process that keeps the suite alive. Idle, it only waits."""

import argparse
import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from control import replicas
from control.context import Context
from control.errors import ControlError
from control.file_lock import FileLock
from control.local import log_rotation
from control.local.component import Component
from control.local.process import Process
from control.local.process_runner import ProcessRunner, log_line
from control.local.run_directory import DesiredState, RunDirectory
from control.local.suite import Suite

_MAINTENANCE_INTERVAL_SECONDS = 60.0
_POLL_SECONDS = 0.05

SuiteLoader = Callable[[Mapping[str, str]], Suite]
"""The suite as the settings of now make it, with an operator's environment."""


def run(context: Context, options: argparse.Namespace) -> int:
    """Be the supervisor: the hidden command that `start` runs in the background."""

    def load_suite(environ: Mapping[str, str]) -> Suite:
        return Suite.from_context(replace(context, environ=environ), Path(options.python))

    lock = FileLock(options.lock)
    try:
        asyncio.run(supervise(load_suite(context.environ), load_suite))
    finally:
        lock.release()
    return 0


async def supervise(suite: Suite, load_suite: SuiteLoader) -> None:
    """Keep the suite as the wishes say, until SIGTERM; the caller holds the lock."""
    os.umask(0o077)
    stop_requested = asyncio.Event()
    loop = asyncio.get_running_loop()
    max_processes = replicas.MAX_REPLICAS * len(suite.components)
    with ThreadPoolExecutor(max_workers=max_processes) as executor:  # one waits for each process
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
    """Write down who supervises, unless it can be read: nobody else could end us."""
    me = Process.from_pid(os.getpid())
    if me and run_directory.find_supervisor() != me:
        run_directory.write_supervisor(me)


class Supervisor:
    """One keeper for each part."""

    def __init__(
        self,
        suite: Suite,
        load_suite: SuiteLoader,
        executor: Executor,
        group: asyncio.TaskGroup,
        maintenance_interval: float = _MAINTENANCE_INTERVAL_SECONDS,
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
        self._maintenance_task = group.create_task(self._maintain(maintenance_interval))

    def reload(self) -> None:
        """Do so between two commands: never the environment of one with the wishes of another."""
        lock = self._run_directory.try_command_lock()
        if lock is None:
            asyncio.get_running_loop().call_later(_POLL_SECONDS, self.reload)
            return
        try:
            self._apply_desired_states()
        finally:
            lock.release()

    def _apply_desired_states(self) -> None:
        if self._is_stopping:
            return
        wishes = self._run_directory.read_desired_states()
        if not wishes:
            log_line("desired_state.json is lost or damaged: everything stays as it is")
            self._run_directory.remove_environment()
            return
        self._reload_components(wishes)
        for name, keeper in self._runners.items():
            if name in wishes:
                self._removing.discard(name)
                keeper.set_desired_state(wishes[name])
            elif name not in self._removing:
                self._remove(name, keeper)

    async def stop(self) -> None:
        """End what uses the data, then what holds it; then there is nothing more to do."""
        self._is_stopping = True
        for holds_data in (False, True):
            ending = [it for it in self._runners.values() if it.component.is_database == holds_data]
            for keeper in ending:
                keeper.set_desired_state(DesiredState(should_run=False))
            await asyncio.gather(*(keeper.wait_until_stopped() for keeper in ending))
        for task in (*self._tasks.values(), self._maintenance_task):
            task.cancel()

    def _add(self, component: Component) -> None:
        keeper = ProcessRunner(component, self._run_directory, self._publish, self._executor)
        self._runners[component.name] = keeper
        self._tasks[component.name] = self._task_group.create_task(self._run_component(keeper))

    async def _run_component(self, runner: ProcessRunner) -> None:
        needs = (self._runners.get(name) for name in runner.component.depends_on)
        await runner.run(filter(None, needs))

    def _reload_components(self, states: Mapping[str, DesiredState]) -> None:
        """What is to begin anew does so with the settings of now, and for the first time too."""
        environ = self._run_directory.take_environment()
        if environ is None:
            return
        try:
            parts = self._load_suite(environ).components
        except (ControlError, OSError, ValueError) as error:  # changed since the command looked
            log_line(f"the settings stay as they were: {error}")
            return
        for part in parts:
            keeper = self._runners.get(part.name)
            if keeper is None and part.name in states:
                self._add(part)
            elif keeper and keeper.is_restart_needed(
                states.get(part.name, DesiredState(should_run=False))
            ):
                keeper.component = part

    def _remove(self, name: str, runner: ProcessRunner) -> None:
        """Have a part end and be forgotten, unless it is wished for again meanwhile."""

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
        # a full disk must not end the suite: what is shown may lag behind
        with contextlib.suppress(OSError):
            self._run_directory.write_status(
                {name: it.status for name, it in self._runners.items()}
            )

    async def _maintain(self, interval: float) -> None:
        """What time does to the files: logs grow, and who we are may be lost."""
        while True:
            await asyncio.sleep(interval)
            with contextlib.suppress(OSError):
                await asyncio.to_thread(log_rotation.rotate_logs, self._run_directory.logs)
            with contextlib.suppress(OSError):
                record_supervisor(self._run_directory)
