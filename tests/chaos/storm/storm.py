"""Runs a storm: from its first message to the verified outcome."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from redis.exceptions import RedisError

from tests.chaos.storm.duplicates import SendLog, unexplained
from tests.chaos.storm.fault_injector import FaultInjector
from tests.chaos.storm.fault_record import FaultRecord
from tests.chaos.storm.faulty_model import FaultyModel
from tests.chaos.storm.message import BotMessage
from tests.chaos.storm.people import Listener, People
from tests.chaos.storm.plan import Plan
from tests.chaos.storm.system_under_test import SystemUnderTest
from tests.chaos.storm.verifier import Verifier

LONGEST_EXTENSION = 600.0
"""Seconds. A storm ends with its last fault: where killed processes come back slowly, faults wait
until there is somebody to meet, and it lasts longer than planned, but by no more than this."""

QUIET_SECONDS = 300.0
"""How long everything may take to come to rest."""

SETTLED_SECONDS = 8.0
"""Nothing waits and nothing has come for so long: it is quiet."""


Overture = Callable[[People], None]
"""What people do, and what happens to them, before the storm; the outcome counts it too."""


@dataclass(frozen=True)
class Outcome:
    """What came of a storm."""

    plan: Plan
    verifier: Verifier
    fault_records: list[FaultRecord]
    unexplained: list[BotMessage]
    unanswered: int
    """Sends whose answer never came."""
    dead_letters: int
    model_faults: int
    sender: str
    storm_seconds: float
    """Seconds."""
    faults_left: int
    """They found nobody in time."""
    is_quiet: bool

    def fault_records_of(self, *kinds: str) -> list[FaultRecord]:
        """Those of some kinds."""
        return [fault for fault in self.fault_records if fault.kind in kinds]

    @property
    def sender_faults(self) -> int:
        """Deaths and stops of the sender."""
        return sum(
            fault.name.startswith(self.sender) for fault in self.fault_records_of("kill", "stop")
        )


def run_plan(
    system: SystemUnderTest, plan: Plan, model: FaultyModel, overture: Overture = lambda _: None
) -> Outcome:
    """Storm, wait until all is quiet, and look at what is left. The system runs already."""
    people = People(system.suite, plan)
    overture(people)
    begun = time.monotonic()
    injector = FaultInjector(system, plan, lambda: time.monotonic() - begun)
    listener = Listener(people)
    listener.start()
    model.is_failing = True
    try:
        with ThreadPoolExecutor(1) as thread:
            writing = thread.submit(people.write, lambda: time.monotonic() - begun)
            injector.run(plan.seconds + LONGEST_EXTENSION)
        writing.result()
    finally:
        injector.end()
        model.is_failing = False
    storm_seconds = time.monotonic() - begun
    is_quiet = _wait_until_quiet(system, people)
    listener.stop()
    people.listen()
    return _outcome(system, plan, people, injector, model, storm_seconds, is_quiet=is_quiet)


def _wait_until_quiet(system: SystemUnderTest, people: People) -> bool:
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


def _is_busy(system: SystemUnderTest, people: People) -> bool:
    try:
        return system.waiting() > 0 or not people.is_read() or bool(people.awaited())
    except RedisError:
        return True


def _outcome(
    system: SystemUnderTest,
    plan: Plan,
    people: People,
    injector: FaultInjector,
    model: FaultyModel,
    storm_seconds: float,
    *,
    is_quiet: bool,
) -> Outcome:
    verifier = Verifier(people.said, people.heard.values(), system.effects())
    log = SendLog.read(system.suite.state_dir / "logs", system.sender)
    senders = [fault for fault in injector.fault_records if fault.name.startswith(system.sender)]
    outages = [fault for fault in injector.fault_records if fault.name == "redis"]
    return Outcome(
        plan=plan,
        verifier=verifier,
        fault_records=injector.fault_records,
        unexplained=unexplained(verifier.repeats, senders, log, outages, plan.timings),
        unanswered=log.unanswered.total(),
        dead_letters=system.dead_letters(),
        model_faults=sum(model.faults.values()),
        sender=system.sender,
        storm_seconds=storm_seconds,
        faults_left=injector.left,
        is_quiet=is_quiet,
    )
