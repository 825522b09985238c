"""The background process that keeps the suite alive. Idle, it only waits."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor

from control import replicas
from control.errors import ControlError
from control.local import rotation
from control.local.keeper import Keeper, say
from control.local.part import Part
from control.local.process import Process
from control.local.run_directory import RunDirectory, Wish
from control.local.suite import Suite

_CARE_EVERY = 60.0
_POLL = 0.05

Load = Callable[[Mapping[str, str]], Suite]
"""The suite as the settings of now make it, with an operator's environment."""


async def supervise(suite: Suite, load: Load) -> None:
    """Keep the suite as the wishes say, until SIGTERM; the caller holds the lock."""
    os.umask(0o077)
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    most = replicas.MOST * len(suite.parts)
    with ThreadPoolExecutor(max_workers=most) as threads:  # one waits for each process
        async with asyncio.TaskGroup() as group:
            supervisor = Supervisor(suite, load, threads, group)
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, ending.set)
            loop.add_signal_handler(signal.SIGHUP, supervisor.read_wishes)
            sign(suite.run)
            say("supervisor started")
            supervisor.read_wishes()
            await ending.wait()
            say("stopping")
            await supervisor.stop()
    suite.run.forget_status()
    suite.run.forget_environment()
    say("stopped")


def sign(run: RunDirectory) -> None:
    """Write down who supervises, unless it can be read: nobody else could end us."""
    me = Process.of(os.getpid())
    if me and run.supervisor() != me:
        run.write_supervisor(me)


class Supervisor:
    """One keeper for each part."""

    def __init__(
        self,
        suite: Suite,
        load: Load,
        threads: Executor,
        group: asyncio.TaskGroup,
        care_every: float = _CARE_EVERY,
    ) -> None:
        self._run = suite.run
        self._load = load
        self._threads = threads
        self._group = group
        self._ending = False
        self._keepers: dict[str, Keeper] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[str] = set()
        for part in suite.parts:
            self._add(part)
        self._caring = group.create_task(self._care(care_every))

    def read_wishes(self) -> None:
        """Do so between two commands: never the environment of one with the wishes of another."""
        lock = self._run.try_commanding()
        if lock is None:
            asyncio.get_running_loop().call_later(_POLL, self.read_wishes)
            return
        try:
            self._obey()
        finally:
            lock.release()

    def _obey(self) -> None:
        if self._ending:
            return
        wishes = self._run.wishes()
        if not wishes:
            say("wishes.json is lost or damaged: everything stays as it is")
            self._run.forget_environment()
            return
        self._renew_parts(wishes)
        for name, keeper in self._keepers.items():
            if name in wishes:
                self._leaving.discard(name)
                keeper.wish(wishes[name])
            elif name not in self._leaving:
                self._dismiss(name, keeper)

    async def stop(self) -> None:
        """End what uses the data, then what holds it; then there is nothing more to do."""
        self._ending = True
        for holds_data in (False, True):
            ending = [it for it in self._keepers.values() if it.part.holds_data == holds_data]
            for keeper in ending:
                keeper.wish(Wish(run=False))
            await asyncio.gather(*(keeper.stopped() for keeper in ending))
        for task in (*self._tasks.values(), self._caring):
            task.cancel()

    def _add(self, part: Part) -> None:
        keeper = Keeper(part, self._run, self._publish, self._threads)
        self._keepers[part.name] = keeper
        self._tasks[part.name] = self._group.create_task(self._keep(keeper))

    async def _keep(self, keeper: Keeper) -> None:
        needs = (self._keepers.get(name) for name in keeper.part.after)
        await keeper.keep(filter(None, needs))

    def _renew_parts(self, wishes: Mapping[str, Wish]) -> None:
        """What is to begin anew does so with the settings of now, and for the first time too."""
        environ = self._run.take_environment()
        if environ is None:
            return
        try:
            parts = self._load(environ).parts
        except (ControlError, OSError, ValueError) as error:  # changed since the command looked
            say(f"the settings stay as they were: {error}")
            return
        for part in parts:
            keeper = self._keepers.get(part.name)
            if keeper is None and part.name in wishes:
                self._add(part)
            elif keeper and keeper.begins_anew(wishes.get(part.name, Wish(run=False))):
                keeper.part = part

    def _dismiss(self, name: str, keeper: Keeper) -> None:
        """Have a part end and be forgotten, unless it is wished for again meanwhile."""

        async def leave() -> None:
            await keeper.stopped()
            if name in self._leaving:
                self._leaving.remove(name)
                self._tasks.pop(name).cancel()
                del self._keepers[name]
                self._publish()

        self._leaving.add(name)
        keeper.wish(Wish(run=False))
        self._group.create_task(leave())

    def _publish(self) -> None:
        # a full disk must not end the suite: what is shown may lag behind
        with contextlib.suppress(OSError):
            self._run.write_status({name: it.status for name, it in self._keepers.items()})

    async def _care(self, every: float) -> None:
        """What time does to the files: logs grow, and who we are may be lost."""
        while True:
            await asyncio.sleep(every)
            with contextlib.suppress(OSError):
                await asyncio.to_thread(rotation.rotate, self._run.logs)
            with contextlib.suppress(OSError):
                sign(self._run)
