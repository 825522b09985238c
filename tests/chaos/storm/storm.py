"""A storm from its first message to its ledger."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from redis.exceptions import RedisError

from tests.chaos.storm.duplicates import SendLog, unexplained
from tests.chaos.storm.faults import Faults
from tests.chaos.storm.hit import Hit
from tests.chaos.storm.ledger import Ledger
from tests.chaos.storm.message import Heard
from tests.chaos.storm.model import StormyModel
from tests.chaos.storm.people import Listener, People
from tests.chaos.storm.plan import Plan
from tests.chaos.storm.system import System

LONGEST_STORM = 2.0
"""Times its planned length, where victims come back too slowly."""

QUIET_SECONDS = 300.0
"""How long everything may take to come to rest."""

SETTLED_SECONDS = 8.0
"""Nothing waits and nothing has come for so long: it is quiet."""


@dataclass(frozen=True)
class Outcome:
    """What came of a storm."""

    plan: Plan
    ledger: Ledger
    hits: list[Hit]
    unexplained: list[Heard]
    unanswered: int
    """Sends whose answer never came."""
    dead_letters: int
    model_faults: int
    sender: str
    stormed: float
    """Seconds."""
    faults_left: int
    """They found nobody in time."""
    is_quiet: bool

    def hits_of(self, *blows: str) -> list[Hit]:
        """Those of some kinds."""
        return [hit for hit in self.hits if hit.blow in blows]

    @property
    def senders_hit(self) -> int:
        """Deaths and stops of the sender."""
        return sum(hit.name.startswith(self.sender) for hit in self.hits_of("kill", "stop"))


def endure(system: System, plan: Plan, model: StormyModel) -> Outcome:
    """Storm, wait until all is quiet, and look at what is left. The system runs already."""
    people = People(system.suite, plan)
    begun = time.monotonic()
    faults = Faults(system, plan, lambda: time.monotonic() - begun)
    listener = Listener(people)
    listener.start()
    model.is_stormy = True
    try:
        with ThreadPoolExecutor(1) as thread:
            writing = thread.submit(people.write, lambda: time.monotonic() - begun)
            faults.rage(plan.seconds * LONGEST_STORM)
        writing.result()
    finally:
        faults.end()
        model.is_stormy = False
    stormed = time.monotonic() - begun
    is_quiet = _rest(system, people)
    listener.stop()
    people.listen()
    return _outcome(system, plan, people, faults, model, stormed, is_quiet=is_quiet)


def _rest(system: System, people: People) -> bool:
    """Whether it became quiet in time."""
    deadline = time.monotonic() + QUIET_SECONDS
    quiet_since, heard = time.monotonic(), len(people.heard)
    while time.monotonic() < deadline:
        time.sleep(0.5)
        if _is_busy(system, people) or len(people.heard) > heard:
            quiet_since, heard = time.monotonic(), len(people.heard)
        if time.monotonic() > quiet_since + SETTLED_SECONDS:
            return True
    return False


def _is_busy(system: System, people: People) -> bool:
    try:
        return system.waiting() > 0 or not people.is_read() or bool(people.awaited())
    except RedisError:
        return True


def _outcome(
    system: System,
    plan: Plan,
    people: People,
    faults: Faults,
    model: StormyModel,
    stormed: float,
    *,
    is_quiet: bool,
) -> Outcome:
    ledger = Ledger(people.said, people.heard.values(), system.deeds())
    log = SendLog.read(system.suite.state_dir / "logs", system.sender)
    senders = [hit for hit in faults.hits if hit.name.startswith(system.sender)]
    outages = [hit for hit in faults.hits if hit.name == "redis"]
    return Outcome(
        plan=plan,
        ledger=ledger,
        hits=faults.hits,
        unexplained=unexplained(ledger.repeats, senders, log, outages, plan.timings),
        unanswered=log.unanswered.total(),
        dead_letters=system.dead_letters(),
        model_faults=sum(model.faults.values()),
        sender=system.sender,
        stormed=stormed,
        faults_left=faults.left,
        is_quiet=is_quiet,
    )
