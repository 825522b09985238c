"""The naive bot as a system under test; its processes are only kept alive as the suite's are."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from redis import Redis

from control.local.keeper import Keeper
from control.local.part import Part
from control.local.process import Launch, database_environment
from control.local.run_directory import RunDirectory, Wish
from smart_kit.testing.suite import ROOT
from tests.chaos.storm.message import Kind
from tests.chaos.storm.message_record import Effects
from tests.chaos.storm.plan import FaultKind
from tests.chaos.storm.system_under_test import (
    TargetProcess,
    processes_in,
    redis_of,
    suite_with_model,
)

QUEUES = ("in", "out")
ROLES = {"naive_bot": "bot", "naive_worker": "worker", "naive_worker.2": "worker"}
TOKEN = "SANDBOX_TELEGRAM_TOKEN"


class NaiveBot:
    """Two lists, one bot, two workers, on a sandbox and a Redis of a suite's. It has no tools."""

    services: tuple[str, ...] = ("naive_",)
    freezable: tuple[str, ...] = ("naive_worker",)
    sender = "naive_bot"
    excluded_faults: tuple[FaultKind, ...] = ("kill postgres",)
    kinds: tuple[Kind, ...] = ("sum",)

    def __init__(self, state_dir: Path, model_url: str) -> None:
        self.suite = suite_with_model(state_dir, model_url)
        self._model_url = model_url
        self._run = RunDirectory(state_dir / "naive")
        self._process_keeper: ProcessKeeper | None = None

    def start(self) -> None:
        """See SystemUnderTest."""
        self.suite.manage("start", "--service", "sandbox", "--service", "redis")
        self._run.make()
        self._process_keeper = ProcessKeeper(self._run, list(self._parts()))
        self._process_keeper.start()

    def end(self) -> None:
        """See SystemUnderTest."""
        if self._process_keeper is not None:
            self._process_keeper.end()
            self._process_keeper = None
        self.suite.manage("stop")

    def processes(self) -> list[TargetProcess]:
        """See SystemUnderTest."""
        databases = processes_in(RunDirectory(self.suite.state_dir))
        return [*processes_in(self._run), *(one for one in databases if one.name == "redis")]

    def waiting(self) -> int:
        """See SystemUnderTest."""
        settings = redis_of(self.suite)
        assert settings.redis_password is not None
        password = settings.redis_password.get_secret_value()
        with closing(Redis(port=settings.redis_port, password=password)) as redis:
            return sum(int(redis.llen(name)) for name in QUEUES)

    def effects(self) -> Effects:
        """See SystemUnderTest."""
        return Effects()

    def dead_letters(self) -> int:
        """See SystemUnderTest."""
        return 0

    def _parts(self) -> Iterator[Part]:
        environment = self.suite.environment
        seen = database_environment(self.suite.state_dir) | {
            "TELEGRAM_URL": self.suite.url("SANDBOX_PORT", f"/bot{self._token()}"),
            "MODEL_URL": self._model_url,
            "REDIS_PORT": environment["REDIS_PORT"],
            "REDIS_PASSWORD": environment["REDIS_PASSWORD"],
        }
        for name, role in ROLES.items():
            command = (sys.executable, "-m", "tests.chaos.storm.naive_bot", role)
            yield Part(name, "service", Launch(command, seen, ROOT).itself)

    def _token(self) -> str:
        lines = (self.suite.state_dir / "secrets.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)[TOKEN]


class ProcessKeeper(threading.Thread):
    """Keeps parts alive, with the keeper of the suite's own supervisor."""

    def __init__(self, run: RunDirectory, parts: list[Part]) -> None:
        super().__init__(daemon=True)
        self._run_directory = run
        self._parts = parts
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()

    def run(self) -> None:
        """Until the end."""
        with closing(self._loop), ThreadPoolExecutor(len(self._parts)) as threads:
            keepers = [
                Keeper(part, self._run_directory, lambda: None, threads) for part in self._parts
            ]
            self._loop.run_until_complete(self._keep(keepers))

    def end(self) -> None:
        """Return when none of them lives."""
        self._loop.call_soon_threadsafe(self._over.set)
        self.join()

    async def _keep(self, keepers: list[Keeper]) -> None:
        jobs = [asyncio.create_task(keeper.keep(())) for keeper in keepers]
        for keeper in keepers:
            keeper.wish(Wish(run=True))
        await self._over.wait()
        for keeper in keepers:
            keeper.wish(Wish(run=False))
            await keeper.stopped()
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
