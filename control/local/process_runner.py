"""Runs one component: starts, watches, restarts and ends its process."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Executor
from datetime import UTC, datetime
from typing import Any

from control import exit_reasons
from control.errors import ControlError
from control.local.component import Component
from control.local.process import spawn
from control.local.run_directory import (
    MIN_UPTIME_SECONDS,
    ComponentStatus,
    DesiredState,
    RunDirectory,
    State,
)

MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 30.0
_POLL_SECONDS = 0.05


class ProcessRunner:
    """Keeps one component in its desired state."""

    def __init__(
        self,
        component: Component,
        run: RunDirectory,
        publish: Callable[[], None],
        executor: Executor,
    ) -> None:
        self.component = component
        self.ready = asyncio.Event()
        self.status = ComponentStatus()
        self._run_directory = run
        self._publish = publish
        self._executor = executor
        self._desired_state = DesiredState(should_run=False)
        self._desired_state_changed = asyncio.Event()
        self._backoff_seconds = MIN_BACKOFF_SECONDS

    def is_restart_needed(self, desired: DesiredState) -> bool:
        return desired.should_run and desired != self._desired_state

    def set_desired_state(self, state: DesiredState) -> None:
        if state != self._desired_state:
            self._desired_state = state
            self._desired_state_changed.set()

    async def run(self, dependencies: Iterable["ProcessRunner"]) -> None:
        """Follow the desired state until cancelled. Cancel only while no process runs."""
        needs = tuple(dependencies)
        while True:
            if self._desired_state_changed.is_set():
                self._reset_backoff()
            self._desired_state_changed.clear()
            if not self._desired_state.should_run:
                self._set_state("stopped")
                await self._desired_state_changed.wait()
                continue
            self._set_state("waiting")
            if not await self._wait_unless_changed(_wait_until_all_ready(needs)):
                continue
            code = await self._run_once()
            if self._desired_state_changed.is_set():
                continue
            if code == 0 and self.component.kind == "task":
                self.ready.set()
                self._set_state("done")
                await self._desired_state_changed.wait()
            else:
                await self._back_off(code)

    async def wait_until_stopped(self) -> None:
        """Return when no process runs, after a desired state that says so."""
        while self.status.state != "stopped":
            await asyncio.sleep(_POLL_SECONDS)

    async def _run_once(self) -> int | None:
        """Return the exit status of one process; None if it could not be started."""
        self.status.generation = self._desired_state.generation
        self._set_state("starting")
        log = self._run_directory.log_file(self.component.name)
        self.status.log_offset = log.stat().st_size if log.exists() else 0
        try:
            launch = await asyncio.to_thread(self.component.prepare_launch)
            popen = spawn(launch, self._run_directory.process_record_path(self.component.name), log)
        except (ControlError, OSError) as error:
            self.status.exit_reason = str(error)
            return None
        return await self._wait_for_exit(popen)

    async def _wait_for_exit(self, popen: subprocess.Popen[bytes]) -> int:
        self.status.pid = popen.pid
        ended = asyncio.get_running_loop().run_in_executor(self._executor, popen.wait)
        readiness = asyncio.create_task(self._wait_until_ready())
        changed = asyncio.create_task(self._desired_state_changed.wait())
        either: set[asyncio.Future[Any]] = {ended, changed}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        readiness.cancel()
        changed.cancel()
        self.ready.clear()
        if not ended.done():
            self._set_state("stopping")
            await self._terminate(popen, ended)
        code = await ended
        self.status.pid = None
        self._run_directory.process_record_path(self.component.name).unlink(missing_ok=True)
        return code

    async def _wait_until_ready(self) -> None:
        check_health = self.component.check_health if self.component.is_database else None
        while check_health and not (await asyncio.to_thread(check_health)).is_healthy:
            await asyncio.sleep(_POLL_SECONDS)
        if self.component.kind != "task":
            self.ready.set()
        self._set_state("running")

    async def _terminate(self, popen: subprocess.Popen[bytes], ended: Awaitable[int]) -> None:
        timeout = self.component.stop_timeout
        popen.send_signal(self.component.stop_signal)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(ended), timeout)
            return
        log_line(f"{self.component.name} did not end within {timeout:g} s and is killed")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)

    async def _back_off(self, code: int | None) -> None:
        if code is not None:
            log = self._run_directory.log_file(self.component.name)
            written = exit_reasons.read_tail(log, self.status.log_offset)
            self.status.exit_reason = exit_reasons.describe_exit(code, written)
        uptime = time.time() - self.status.since if self.status.state == "running" else 0.0
        if uptime > MIN_UPTIME_SECONDS:
            self._reset_backoff()
        ended = f"{self.component.name} ended: {self.status.exit_reason}"
        log_line(f"{ended}; again in {self._backoff_seconds:g} s")
        self.status.restarts += 1
        self.status.consecutive_failures += 1
        self._set_state("failing")
        await self._wait_unless_changed(asyncio.sleep(self._backoff_seconds))
        self._backoff_seconds = min(2 * self._backoff_seconds, MAX_BACKOFF_SECONDS)

    def _reset_backoff(self) -> None:
        self._backoff_seconds = MIN_BACKOFF_SECONDS
        self.status.consecutive_failures = 0

    async def _wait_unless_changed(self, awaited: Coroutine[None, None, None]) -> bool:
        """Wait for something. Return False as soon as the desired state changes."""
        task = asyncio.create_task(awaited)
        changed = asyncio.create_task(self._desired_state_changed.wait())
        await asyncio.wait({task, changed}, return_when=asyncio.FIRST_COMPLETED)
        changed.cancel()
        task.cancel()
        return task.done() and not self._desired_state_changed.is_set()

    def _set_state(self, state: State) -> None:
        self.status.state = state
        self.status.since = time.time()
        self._publish()


async def _wait_until_all_ready(runners: Iterable[ProcessRunner]) -> None:
    for runner in runners:
        await runner.ready.wait()


def log_line(text: str) -> None:
    """Write a line of the supervisor's own log."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    print(f"{moment.removesuffix('+00:00')}Z {text}", file=sys.stderr, flush=True)
