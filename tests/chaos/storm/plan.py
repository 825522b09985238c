"""What happens when: all of it follows from a seed."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from smart_kit.mailbox.mailbox import LEASE_SECONDS
from tests.chaos.storm.message import MessageKind

FaultKind = Literal["kill", "kill redis", "kill postgres", "stop", "telegram"]

FAULTS_PER_MINUTE: dict[FaultKind, float] = {
    "kill": 7.75,
    "kill redis": 0.55,
    "kill postgres": 0.3,
    "stop": 1.5,
    "telegram": 20.0,
}
"""In twenty minutes more than the 150, 10, 5 and 20 that are promised."""

MAX_BURST = 4
"""At most so many messages are written one after the other; order shows only there."""

_BURST_PROBABILITY = 0.6
"""How likely another one is to follow within a second."""

_KIND_WEIGHTS: dict[MessageKind, int] = {"sum": 6, "task": 2, "reminder": 1, "alarm": 1}


@dataclass(frozen=True)
class StormTimings:
    """In seconds; the spans are from shortest to longest."""

    lease_seconds: float
    """Of a message that somebody handles."""
    freeze_seconds: tuple[float, float]
    """Longer than a lease, so that who is stopped comes back as a zombie."""
    database_freeze_seconds: tuple[float, float]
    """All others wait for a database that long."""

    @property
    def max_duplicate_delay(self) -> float:
        """How long after a fault a copy may come: the lease, a new sender's start and take-over,
        who may be stopped himself, and Telegram's own pauses."""
        return self.lease_seconds + 10.0 + self.freeze_seconds[1] + 10.0


PRODUCTION_TIMINGS = StormTimings(
    LEASE_SECONDS, freeze_seconds=(31.0, 40.0), database_freeze_seconds=(5.0, 15.0)
)
SHORT_TIMINGS = StormTimings(8.0, freeze_seconds=(9.0, 12.0), database_freeze_seconds=(2.0, 5.0))
"""For a storm that is over within half a minute; its lease is long beside a stall of a process."""


@dataclass(frozen=True)
class PlannedMessage:
    """Somebody writes; `at` is seconds from the beginning, `person` counts from 0."""

    at_seconds: float
    user_index: int
    kind: MessageKind


@dataclass(frozen=True)
class PlannedFault:
    """Something goes wrong; `at` is seconds from the beginning."""

    at_seconds: float
    kind: FaultKind


@dataclass(frozen=True)
class StormPlan:
    """A storm."""

    minutes: float = 20.0
    seed: int = 0
    messages: int = 3000
    chats: int = 40
    kinds: tuple[MessageKind, ...] = ("sum", "task", "reminder", "alarm")
    fault_rate: float = 1.0
    """How many times as many faults a minute."""
    timings: StormTimings = PRODUCTION_TIMINGS

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.minutes * 60

    def plan_messages(self) -> list[PlannedMessage]:
        """Every message, the first one first."""
        dice = random.Random(f"{self.seed} people")
        return sorted(self._generate_bursts(dice), key=lambda one: one.at_seconds)[: self.messages]

    def plan_faults(self) -> list[PlannedFault]:
        """Every fault, the first one first."""
        dice = random.Random(f"{self.seed} faults")
        planned_faults = [
            PlannedFault(dice.uniform(0, self._get_latest_start(kind)), kind)
            for kind, rate in FAULTS_PER_MINUTE.items()
            for _ in range(math.ceil(rate * self.minutes * self.fault_rate))
        ]
        return sorted(planned_faults, key=lambda one: one.at_seconds)

    def _get_latest_start(self, kind: FaultKind) -> float:
        """Early enough for it to be over at the end."""
        return (
            max(1.0, self.seconds - self.timings.freeze_seconds[0])
            if kind == "stop"
            else self.seconds
        )

    def _generate_bursts(self, dice: random.Random) -> Iterator[PlannedMessage]:
        weights = [_KIND_WEIGHTS[kind] for kind in self.kinds]
        made = 0
        while made < self.messages:
            at, person = dice.uniform(0, self.seconds), dice.randrange(self.chats)
            length = 1
            while length < MAX_BURST and dice.random() < _BURST_PROBABILITY:
                length += 1
            for _ in range(length):
                yield PlannedMessage(at, person, dice.choices(self.kinds, weights)[0])
                at += dice.uniform(0, 1)
            made += length


SHORT_PLAN = StormPlan(
    minutes=0.4, seed=5, messages=120, chats=8, fault_rate=1.75, timings=SHORT_TIMINGS
)
"""As many faults as 0.7 minutes bring otherwise."""
