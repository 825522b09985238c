"""Keeping one part alive: start it, watch it, start it again, end it."""

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

from control import reasons
from control.errors import ControlError
from control.local.part import Part
from control.local.process import spawn
from control.local.run_directory import GOOD_LIFE, PartStatus, RunDirectory, State, Wish

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
_POLL = 0.05


class Keeper:
    """One part's life, driven by wishes."""

    def __init__(
        self, part: Part, run: RunDirectory, publish: Callable[[], None], threads: Executor
    ) -> None:
        self.part = part
        self.ready = asyncio.Event()
        self.status = PartStatus()
        self._run = run
        self._publish = publish
        self._threads = threads
        self._wish = Wish(run=False)
        self._changed = asyncio.Event()
        self._pause = FIRST_PAUSE

    def begins_anew(self, wish: Wish) -> bool:
        """Whether a wish asks for a fresh process."""
        return wish.run and wish != self._wish

    def wish(self, wish: Wish) -> None:
        if wish != self._wish:
            self._wish = wish
            self._changed.set()

    async def keep(self, before: Iterable["Keeper"]) -> None:
        """Do what is wished for, until cancelled; to be cancelled only while nothing runs."""
        needs = tuple(before)
        while True:
            if self._changed.is_set():
                self._begin_afresh()
            self._changed.clear()
            if not self._wish.run:
                self._show("stopped")
                await self._changed.wait()
                continue
            self._show("waiting")
            if not await self._unless_changed(_all_ready(needs)):
                continue
            code = await self._live()
            if self._changed.is_set():
                continue
            if code == 0 and self.part.kind == "task":
                self.ready.set()
                self._show("done")
                await self._changed.wait()
            else:
                await self._fail(code)

    async def stopped(self) -> None:
        """Return once nothing of it runs, after a wish that it shall not."""
        while self.status.state != "stopped":
            await asyncio.sleep(_POLL)

    async def _live(self) -> int | None:
        """One life from start to end; its exit status, None where it could not even start."""
        self.status.generation = self._wish.generation
        self._show("starting")
        log = self._run.log(self.part.name)
        self.status.log_start = log.stat().st_size if log.exists() else 0
        try:
            launch = await asyncio.to_thread(self.part.launch)
            popen = spawn(launch, self._run.record(self.part.name), log)
        except (ControlError, OSError) as error:
            self.status.reason = str(error)
            return None
        return await self._watch(popen)

    async def _watch(self, popen: subprocess.Popen[bytes]) -> int:
        loop = asyncio.get_running_loop()
        self.status.pid = popen.pid
        ended = loop.run_in_executor(self._threads, popen.wait)
        becoming = asyncio.create_task(self._become_ready())
        changed = asyncio.create_task(self._changed.wait())
        either: set[asyncio.Future[Any]] = {ended, changed}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        becoming.cancel()
        changed.cancel()
        self.ready.clear()
        if not ended.done():
            self._show("stopping")
            await self._end(popen, ended)
        code = await ended
        self.status.pid = None
        self._run.record(self.part.name).unlink(missing_ok=True)
        return code

    async def _become_ready(self) -> None:
        ask = self.part.health if self.part.holds_data else None
        while ask and not (await asyncio.to_thread(ask)).ok:
            await asyncio.sleep(_POLL)
        if self.part.kind != "task":
            self.ready.set()
        self._show("running")

    async def _end(self, popen: subprocess.Popen[bytes], ended: Awaitable[int]) -> None:
        patience = self.part.patience
        popen.send_signal(self.part.stop_signal)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(ended), patience)
            return
        say(f"{self.part.name} did not end within {patience:g} s and is killed")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)

    async def _fail(self, code: int | None) -> None:
        """Note why it ended, and pause before the next life."""
        if code is not None:
            log = self._run.log(self.part.name)
            self.status.reason = reasons.of_end(code, log, self.status.log_start)
        lived = time.time() - self.status.since if self.status.state == "running" else 0.0
        if lived > GOOD_LIFE:
            self._begin_afresh()
        say(f"{self.part.name} ended: {self.status.reason}; again in {self._pause:g} s")
        self.status.restarts += 1
        self.status.failures += 1
        self._show("failing")
        await self._unless_changed(asyncio.sleep(self._pause))
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _begin_afresh(self) -> None:
        """Forget earlier failures: the part has worked, or something else is wished for now."""
        self._pause = FIRST_PAUSE
        self.status.failures = 0

    async def _unless_changed(self, awaited: Coroutine[None, None, None]) -> bool:
        """Wait for something; false as soon as the wish changes."""
        task = asyncio.create_task(awaited)
        changed = asyncio.create_task(self._changed.wait())
        await asyncio.wait({task, changed}, return_when=asyncio.FIRST_COMPLETED)
        changed.cancel()
        task.cancel()
        return task.done() and not self._changed.is_set()

    def _show(self, state: State) -> None:
        self.status.state = state
        self.status.since = time.time()
        self._publish()


async def _all_ready(keepers: Iterable[Keeper]) -> None:
    for keeper in keepers:
        await keeper.ready.wait()


def say(text: str) -> None:
    """A line of the supervisor's own log."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    print(f"{moment.removesuffix('+00:00')}Z {text}", file=sys.stderr, flush=True)
