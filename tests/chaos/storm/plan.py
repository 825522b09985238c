"""The plan of a storm: which messages and faults happen when. All of it follows from a seed."""

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
"""In twenty minutes more than the promised 150 kills, 10 and 5 of databases, and 20 stops."""

MAX_BURST = 4
"""Messages that a user sends in quick succession; only bursts can come out of order."""

_BURST_PROBABILITY = 0.6
"""The probability that a burst continues with another message within a second."""

_KIND_WEIGHTS: dict[MessageKind, int] = {"sum": 6, "task": 2, "reminder": 1, "alarm": 1}


@dataclass(frozen=True)
class StormTimings:
    """The timings of a storm, in seconds; pairs are minimum and maximum."""

    lease_seconds: float
    """The length of the lease of a message."""
    freeze_seconds: tuple[float, float]
    """Longer than a lease, so that a frozen process comes back as a zombie."""
    database_freeze_seconds: tuple[float, float]
    """Shorter, because all services wait for the database."""

    @property
    def max_duplicate_delay(self) -> float:
        """The longest time from a fault to a duplicate that it causes, in seconds.

        The sum of the lease, the start of a new sender, a freeze of it, and Telegram's pauses.
        """
        return self.lease_seconds + 10.0 + self.freeze_seconds[1] + 10.0


PRODUCTION_TIMINGS = StormTimings(
    LEASE_SECONDS, freeze_seconds=(31.0, 40.0), database_freeze_seconds=(5.0, 15.0)
)
SHORT_TIMINGS = StormTimings(8.0, freeze_seconds=(9.0, 12.0), database_freeze_seconds=(2.0, 5.0))
"""For a storm of half a minute. The lease is still longer than a stall of a busy machine."""


@dataclass(frozen=True)
class PlannedMessage:
    """A message that a user is going to send."""

    at_seconds: float
    """Seconds from the start of the storm."""
    user_index: int
    kind: MessageKind


@dataclass(frozen=True)
class PlannedFault:
    """A fault that is going to be injected."""

    at_seconds: float
    """Seconds from the start of the storm."""
    kind: FaultKind


@dataclass(frozen=True)
class StormPlan:
    """The parameters of a storm."""

    minutes: float = 20.0
    seed: int = 0
    messages: int = 3000
    chats: int = 40
    kinds: tuple[MessageKind, ...] = ("sum", "task", "reminder", "alarm")
    fault_rate: float = 1.0
    """A factor of FAULTS_PER_MINUTE."""
    timings: StormTimings = PRODUCTION_TIMINGS

    @property
    def seconds(self) -> float:
        """The length of the storm."""
        return self.minutes * 60

    def plan_messages(self) -> list[PlannedMessage]:
        """Return all messages, ordered by time."""
        rng = random.Random(f"{self.seed} people")
        messages = sorted(self._generate_bursts(rng), key=lambda message: message.at_seconds)
        return messages[: self.messages]

    def plan_faults(self) -> list[PlannedFault]:
        """Return all faults, ordered by time."""
        rng = random.Random(f"{self.seed} faults")
        faults = [
            PlannedFault(rng.uniform(0, self._get_latest_start(kind)), kind)
            for kind, rate in FAULTS_PER_MINUTE.items()
            for _ in range(math.ceil(rate * self.minutes * self.fault_rate))
        ]
        return sorted(faults, key=lambda fault: fault.at_seconds)

    def _get_latest_start(self, kind: FaultKind) -> float:
        """Return the latest start with which the shortest freeze ends within the storm."""
        return (
            max(1.0, self.seconds - self.timings.freeze_seconds[0])
            if kind == "stop"
            else self.seconds
        )

    def _generate_bursts(self, rng: random.Random) -> Iterator[PlannedMessage]:
        weights = [_KIND_WEIGHTS[kind] for kind in self.kinds]
        count = 0
        while count < self.messages:
            at, user_index = rng.uniform(0, self.seconds), rng.randrange(self.chats)
            length = 1
            while length < MAX_BURST and rng.random() < _BURST_PROBABILITY:
                length += 1
            for _ in range(length):
                yield PlannedMessage(at, user_index, rng.choices(self.kinds, weights)[0])
                at += rng.uniform(0, 1)
            count += length


SHORT_PLAN = StormPlan(
    minutes=0.4, seed=5, messages=120, chats=8, fault_rate=1.75, timings=SHORT_TIMINGS
)
"""The storm of the tests, with as many faults as 0.7 minutes of a long one."""
