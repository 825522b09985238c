"""The naive bot as a system under test, supervised like the suite."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from redis import Redis

from control.local.component import Component
from control.local.process import LaunchSpec, build_database_environment
from control.local.process_runner import ProcessRunner
from control.local.run_directory import DesiredState, RunDirectory
from smart_kit.testing.suite_harness import ROOT
from tests.chaos.storm.message import MessageKind
from tests.chaos.storm.message_record import EffectCounts
from tests.chaos.storm.plan import FaultKind
from tests.chaos.storm.system_under_test import (
    TargetProcess,
    get_redis_settings,
    make_suite,
    read_processes,
)
from tests.e2e.fault_injection import read_sandbox_token

QUEUES = ("in", "out")
ROLES = {"naive_bot": "bot", "naive_worker": "worker", "naive_worker.2": "worker"}


class NaiveBot:
    """A bot and two workers over two Redis lists, with a suite's sandbox and Redis. No tools."""

    services: tuple[str, ...] = ("naive_",)
    freezable: tuple[str, ...] = ("naive_worker",)
    sender = "naive_bot"
    excluded_faults: tuple[FaultKind, ...] = ("kill postgres",)
    kinds: tuple[MessageKind, ...] = ("sum",)

    def __init__(self, state_dir: Path, model_url: str) -> None:
        self.suite = make_suite(state_dir, model_url)
        self._model_url = model_url
        self._run_directory = RunDirectory(state_dir / "naive")
        self._runner_thread: ProcessRunnerThread | None = None

    def start(self) -> None:
        self.suite.manage("start", "--service", "sandbox", "--service", "redis")
        self._run_directory.create()
        self._runner_thread = ProcessRunnerThread(
            self._run_directory, list(self._make_components())
        )
        self._runner_thread.start()

    def stop(self) -> None:
        if self._runner_thread is not None:
            self._runner_thread.stop()
            self._runner_thread = None
        self.suite.manage("stop")

    def list_processes(self) -> list[TargetProcess]:
        suite_processes = read_processes(RunDirectory(self.suite.state_dir))
        return [
            *read_processes(self._run_directory),
            *(target for target in suite_processes if target.name == "redis"),
        ]

    def count_waiting(self) -> int:
        settings = get_redis_settings(self.suite)
        assert settings.redis_password is not None
        password = settings.redis_password.get_secret_value()
        with closing(Redis(port=settings.redis_port, password=password)) as redis:
            return sum(int(redis.llen(name)) for name in QUEUES)

    def count_effects(self) -> EffectCounts:
        return EffectCounts()

    def count_dead_letters(self) -> int:
        return 0

    def _make_components(self) -> Iterator[Component]:
        environment = self.suite.environment
        variables = build_database_environment(self.suite.state_dir) | {
            "TELEGRAM_URL": self.suite.url("SANDBOX_PORT", f"/bot{read_sandbox_token(self.suite)}"),
            "MODEL_URL": self._model_url,
            "REDIS_PORT": environment["REDIS_PORT"],
            "REDIS_PASSWORD": environment["REDIS_PASSWORD"],
        }
        for name, role in ROLES.items():
            command = (sys.executable, "-m", "tests.chaos.storm.naive_bot", role)
            yield Component(name, "service", LaunchSpec(command, variables, ROOT).return_self)


class ProcessRunnerThread(threading.Thread):
    """Supervises components in a thread, with the ProcessRunner of control."""

    def __init__(self, run_directory: RunDirectory, components: list[Component]) -> None:
        super().__init__(daemon=True)
        self._run_directory = run_directory
        self._components = components
        self._loop = asyncio.new_event_loop()
        self._stop_event = asyncio.Event()

    def run(self) -> None:
        """Run the processes until `stop` is called."""
        with closing(self._loop), ThreadPoolExecutor(len(self._components)) as threads:
            runners = [
                ProcessRunner(component, self._run_directory, lambda: None, threads)
                for component in self._components
            ]
            self._loop.run_until_complete(self._run_processes(runners))

    def stop(self) -> None:
        """Stop the processes, and wait for their end."""
        self._loop.call_soon_threadsafe(self._stop_event.set)
        self.join()

    async def _run_processes(self, runners: list[ProcessRunner]) -> None:
        tasks = [asyncio.create_task(runner.run(())) for runner in runners]
        for runner in runners:
            runner.set_desired_state(DesiredState(should_run=True))
        await self._stop_event.wait()
        for runner in runners:
            runner.set_desired_state(DesiredState(should_run=False))
            await runner.wait_until_stopped()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
