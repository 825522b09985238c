"""A system that a storm may break over."""

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
from tests.chaos.storm.entry import Deeds
from tests.chaos.storm.plan import Blow

PATIENCE = 30.0
"""Seconds for an answer of the sandbox, which shares a busy machine."""


@dataclass(frozen=True)
class Victim:
    """A process that may be hit."""

    name: str
    process: Process
    age: float
    """Seconds since its start."""

    @property
    def is_grown_up(self) -> bool:
        """Its supervisor counts it as having worked, and would start it again at once."""
        return self.age > GOOD_LIFE + 1.0


class System(Protocol):
    """What a storm needs to know of what it breaks over."""

    suite: Suite
    """Whose sandbox it talks through."""
    services: tuple[str, ...]
    """What the names of its own processes begin with."""
    zombies: tuple[str, ...]
    """Whose names may be stopped, each as many times a round as it stands here."""
    sender: str
    """The one that sends to Telegram."""
    spared: tuple[Blow, ...]
    """What cannot happen to it."""

    def start(self) -> None:
        """Return when it answers."""

    def end(self) -> None:
        """Return when nothing of it runs; its files stay."""

    def victims(self) -> list[Victim]:
        """All that lives, the databases too."""

    def waiting(self) -> int:
        """How many conversations or messages wait in its queues."""

    def deeds(self) -> Deeds:
        """What was done for whom."""

    def dead_letters(self) -> int:
        """How many messages it has given up."""


def stormproof(state_dir: Path, model_url: str, entry: Path = ROOT / "manage.py") -> Suite:
    """A suite whose model is one that fails."""
    settings = {"OPENAI_BASE_URL": model_url, "OPENAI_API_KEY": "storm"}
    return Suite(state_dir, settings, entry=entry)


def redis_of(suite: Suite) -> RedisSettings:
    """How to reach its Redis."""
    return RedisSettings(
        redis_port=int(suite.environment["REDIS_PORT"]),
        redis_password=SecretStr(suite.environment["REDIS_PASSWORD"]),
    )


def victims_in(run: RunDirectory) -> list[Victim]:
    """What is recorded there and lives."""
    found = []
    for name, process in run.processes().items():
        with suppress(FileNotFoundError):  # it has just died
            age = time.time() - run.record(name).stat().st_mtime
            found.append(Victim(name, process, age))
    return found
