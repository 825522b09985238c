"""The interface of a system that a storm can test, and helpers that its implementations share."""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from control.local.process import Process
from control.local.process_runner import MIN_UPTIME_SECONDS
from control.local.run_directory import RunDirectory
from smart_kit.settings import RedisSettings
from smart_kit.testing.suite_harness import ROOT, SuiteHarness
from tests.chaos.storm.message_record import EffectCounts
from tests.chaos.storm.plan import FaultKind

SANDBOX_TIMEOUT_SECONDS = 60.0
"""The time-out of calls to the sandbox, which shares a busy machine."""


@dataclass(frozen=True)
class TargetProcess:
    """A process that may be killed or frozen."""

    name: str
    process: Process
    age_seconds: float
    """Seconds since its start."""

    @property
    def is_restarted_immediately(self) -> bool:
        """Whether it has run long enough for its supervisor to restart it without a pause."""
        return self.age_seconds > MIN_UPTIME_SECONDS + 1.0


class SystemUnderTest(Protocol):
    suite: SuiteHarness
    """The suite whose sandbox it uses."""
    services: tuple[str, ...]
    """The prefixes of the names of its processes, without databases."""
    freezable: tuple[str, ...]
    """The prefixes of the processes to freeze; one is drawn as often per round as it is listed."""
    sender: str
    """The prefix of the processes that send to Telegram."""
    excluded_faults: tuple[FaultKind, ...]
    """Kinds of faults that cannot happen to it."""

    def start(self) -> None:
        """Start the system, and wait until it is ready."""

    def stop(self) -> None:
        """Stop all its processes; its files stay."""

    def list_processes(self) -> list[TargetProcess]:
        """Return all running processes, including databases."""

    def count_waiting(self) -> int:
        """Return how many conversations or messages wait in its queues."""

    def count_effects(self) -> EffectCounts:
        """Return the effects by message number."""

    def count_dead_letters(self) -> int:
        """Return how many messages it has given up."""


def make_suite(
    state_dir: Path, model_url: str, entry_point: Path = ROOT / "manage.py"
) -> SuiteHarness:
    """Create a suite that uses the model at `model_url`."""
    settings = {"OPENAI_BASE_URL": model_url, "OPENAI_API_KEY": "storm"}
    return SuiteHarness(state_dir, settings, entry_point=entry_point)


def get_redis_settings(suite: SuiteHarness) -> RedisSettings:
    return RedisSettings(
        redis_port=int(suite.environment["REDIS_PORT"]),
        redis_password=SecretStr(suite.environment["REDIS_PASSWORD"]),
    )


def read_processes(run_directory: RunDirectory) -> list[TargetProcess]:
    """Return the running processes that are recorded there."""
    targets = []
    for name, process in run_directory.find_processes().items():
        with suppress(FileNotFoundError):  # it has just ended
            age = time.time() - run_directory.process_record_path(name).stat().st_mtime
            targets.append(TargetProcess(name, process, age))
    return targets
