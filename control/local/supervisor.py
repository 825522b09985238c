"""The background process that keeps the suite alive. Idle, it only waits."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Coroutine, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor

from control.local import rotation
from control.local.keeper import Keeper, say
from control.local.process import Process
from control.local.run_directory import Wish
from control.local.suite import Suite

_ROTATION_EVERY = 60.0


async def supervise(suite: Suite) -> None:
    """Keep the suite as the wishes say, until SIGTERM; the caller holds the lock."""
    os.umask(0o077)
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=len(suite.parts)) as threads:
        supervisor = Supervisor(suite, threads)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ending.set)
        loop.add_signal_handler(signal.SIGHUP, supervisor.read_wishes)
        if me := Process.of(os.getpid()):
            suite.run.write_supervisor(me)
        say("supervisor started")
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job) for job in supervisor.jobs()]
            supervisor.read_wishes()
            await ending.wait()
            say("stopping")
            await supervisor.stop()
            for task in tasks:
                task.cancel()
    suite.run.forget_status()
    say("stopped")


class Supervisor:
    """One keeper for each part."""

    def __init__(self, suite: Suite, threads: Executor) -> None:
        self._run = suite.run
        self._ending = False
        self._keepers = {
            part.name: Keeper(part, suite.run, self._publish, threads) for part in suite.parts
        }

    def jobs(self) -> Iterable[Coroutine[None, None, None]]:
        for keeper in self._keepers.values():
            needs = [self._keepers[name] for name in keeper.part.after if name in self._keepers]
            yield keeper.keep(needs)
        yield self._rotate()

    def read_wishes(self) -> None:
        if self._ending:
            return
        wishes = self._run.wishes()
        for name, keeper in self._keepers.items():
            keeper.wish(wishes.get(name, Wish(run=False)))

    async def stop(self) -> None:
        """End what uses the data, then what holds it."""
        self._ending = True
        for holds_data in (False, True):
            ending = [it for it in self._keepers.values() if it.part.holds_data == holds_data]
            for keeper in ending:
                keeper.wish(Wish(run=False))
            await asyncio.gather(*(keeper.stopped() for keeper in ending))

    def _publish(self) -> None:
        # a full disk must not end the suite: what is shown may lag behind
        with contextlib.suppress(OSError):
            self._run.write_status({name: it.status for name, it in self._keepers.items()})

    async def _rotate(self) -> None:
        while True:
            await asyncio.sleep(_ROTATION_EVERY)
            with contextlib.suppress(OSError):
                await asyncio.to_thread(rotation.rotate, self._run.logs)
