"""The system that a storm tests: what it has to offer, and its processes."""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from control.local.keeper import GOOD_LIFE
from control.local.process import Process
from control.local.run_directory import RunDirectory
from smart_kit.settings import RedisSettings
from smart_kit.testing.suite import ROOT, Suite
from tests.chaos.storm.message_record import Effects
from tests.chaos.storm.plan import FaultKind

PATIENCE = 60.0
"""Seconds for an answer of the sandbox, which shares a busy machine."""


@dataclass(frozen=True)
class TargetProcess:
    """A process that may be killed or stopped."""

    name: str
    process: Process
    age: float
    """Seconds since its start."""

    @property
    def is_grown_up(self) -> bool:
        """Its supervisor counts it as having worked, and would start it again at once."""
        return self.age > GOOD_LIFE + 1.0


class SystemUnderTest(Protocol):
    """What a storm needs to know of the system that it tests."""

    suite: Suite
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

    def end(self) -> None:
        """Return when nothing of it runs; its files stay."""

    def processes(self) -> list[TargetProcess]:
        """All that lives, the databases too."""

    def waiting(self) -> int:
        """How many conversations or messages wait in its queues."""

    def effects(self) -> Effects:
        """What was done for whom."""

    def dead_letters(self) -> int:
        """How many messages it has given up."""


def suite_with_model(state_dir: Path, model_url: str, entry: Path = ROOT / "manage.py") -> Suite:
    """A suite whose model is one that fails."""
    settings = {"OPENAI_BASE_URL": model_url, "OPENAI_API_KEY": "storm"}
    return Suite(state_dir, settings, entry=entry)


def redis_of(suite: Suite) -> RedisSettings:
    """How to reach its Redis."""
    return RedisSettings(
        redis_port=int(suite.environment["REDIS_PORT"]),
        redis_password=SecretStr(suite.environment["REDIS_PASSWORD"]),
    )


def processes_in(run: RunDirectory) -> list[TargetProcess]:
    """What is recorded there and lives."""
    found = []
    for name, process in run.processes().items():
        with suppress(FileNotFoundError):  # it has just died
            age = time.time() - run.record(name).stat().st_mtime
            found.append(TargetProcess(name, process, age))
    return found
