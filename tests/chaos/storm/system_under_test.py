"""The system that a storm tests: what it has to offer, and its processes."""

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
"""Seconds for an answer of the sandbox, which shares a busy machine."""


@dataclass(frozen=True)
class TargetProcess:
    """A process that may be killed or stopped."""

    name: str
    process: Process
    age_seconds: float
    """Seconds since its start."""

    @property
    def is_restarted_immediately(self) -> bool:
        """Its supervisor counts it as having worked, and would start it again at once."""
        return self.age_seconds > MIN_UPTIME_SECONDS + 1.0


class SystemUnderTest(Protocol):
    """What a storm needs to know of the system that it tests."""

    suite: SuiteHarness
    """Whose sandbox it talks through."""
    services: tuple[str, ...]
    """What the names of its own processes begin with."""
    freezable: tuple[str, ...]
    """Whose names may be stopped, each as many times a round as it stands here."""
    sender: str
    """The one that sends to Telegram."""
    excluded_faults: tuple[FaultKind, ...]
    """What cannot happen to it."""

    def start(self) -> None:
        """Return when it answers."""

    def stop(self) -> None:
        """Return when nothing of it runs; its files stay."""

    def list_processes(self) -> list[TargetProcess]:
        """All that lives, the databases too."""

    def count_waiting(self) -> int:
        """How many conversations or messages wait in its queues."""

    def count_effects(self) -> EffectCounts:
        """What was done for whom."""

    def count_dead_letters(self) -> int:
        """How many messages it has given up."""


def make_suite(
    state_dir: Path, model_url: str, entry_point: Path = ROOT / "manage.py"
) -> SuiteHarness:
    """A suite whose model is one that fails."""
    settings = {"OPENAI_BASE_URL": model_url, "OPENAI_API_KEY": "storm"}
    return SuiteHarness(state_dir, settings, entry_point=entry_point)


def get_redis_settings(suite: SuiteHarness) -> RedisSettings:
    """How to reach its Redis."""
    return RedisSettings(
        redis_port=int(suite.environment["REDIS_PORT"]),
        redis_password=SecretStr(suite.environment["REDIS_PASSWORD"]),
    )


def read_processes(run_directory: RunDirectory) -> list[TargetProcess]:
    """What is recorded there and lives."""
    found = []
    for name, process in run_directory.find_processes().items():
        with suppress(FileNotFoundError):  # it has just died
            age = time.time() - run_directory.process_record(name).stat().st_mtime
            found.append(TargetProcess(name, process, age))
    return found
