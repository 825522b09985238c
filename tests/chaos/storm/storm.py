"""Runs a storm, from the first message to the verified result."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from redis.exceptions import RedisError

from tests.chaos.storm.duplicates import SendLog, find_unexplained
from tests.chaos.storm.fault_injector import FaultInjector
from tests.chaos.storm.fault_record import FaultRecord
from tests.chaos.storm.faulty_model import FaultyModel
from tests.chaos.storm.message import BotMessage
from tests.chaos.storm.plan import StormPlan
from tests.chaos.storm.simulated_users import ChatPoller, SimulatedUsers
from tests.chaos.storm.system_under_test import SystemUnderTest
from tests.chaos.storm.verifier import Verifier

MAX_EXTENSION_SECONDS = 600.0
"""A storm ends with its last fault. Faults wait while killed processes restart, which may lengthen
the storm by this much; the remaining faults are skipped."""

QUIESCENCE_TIMEOUT_SECONDS = 300.0
"""The time after the storm in which the system must become quiet."""

MIN_QUIET_SECONDS = 8.0
"""The system counts as quiet if nothing waits and no message has arrived for so long."""

Prelude = Callable[[SimulatedUsers], None]
"""A scripted part before the storm; the result covers it too."""


@dataclass(frozen=True)
class StormResult:
    plan: StormPlan
    verifier: Verifier
    fault_records: list[FaultRecord]
    unexplained_duplicates: list[BotMessage]
    unconfirmed_sends: int
    """Sends without a response."""
    dead_letter_count: int
    model_fault_count: int
    sender: str
    storm_seconds: float
    skipped_fault_count: int
    """Faults that found no target in time."""
    is_quiet: bool
    """Whether the system became quiet in time."""

    def fault_records_for(self, *kinds: str) -> list[FaultRecord]:
        """Return the fault records of some kinds."""
        return [fault for fault in self.fault_records if fault.kind in kinds]

    @property
    def sender_fault_count(self) -> int:
        """The number of kills and stops of the sender."""
        return sum(
            fault.process_name.startswith(self.sender)
            for fault in self.fault_records_for("kill", "stop")
        )


def run_plan(
    system: SystemUnderTest, plan: StormPlan, model: FaultyModel, prelude: Prelude = lambda _: None
) -> StormResult:
    """Run the storm over a running system, wait until it is quiet, and verify the outcome."""
    users = SimulatedUsers(system.suite, plan)
    prelude(users)
    started_at = time.monotonic()
    injector = FaultInjector(system, plan, lambda: time.monotonic() - started_at)
    poller = ChatPoller(users)
    poller.start()
    model.is_failing = True
    try:
        with ThreadPoolExecutor(1) as thread:
            sending = thread.submit(users.send_planned, lambda: time.monotonic() - started_at)
            injector.run(plan.seconds + MAX_EXTENSION_SECONDS)
        sending.result()
    finally:
        injector.close()
        model.is_failing = False
    storm_seconds = time.monotonic() - started_at
    is_quiet = _wait_until_quiet(system, users)
    poller.stop()
    users.poll()
    return _build_result(system, plan, users, injector, model, storm_seconds, is_quiet=is_quiet)


def _wait_until_quiet(system: SystemUnderTest, users: SimulatedUsers) -> bool:
    """Wait until the system is quiet, and return whether that happened in time."""
    deadline = time.monotonic() + QUIESCENCE_TIMEOUT_SECONDS
    quiet_since, received_count = time.monotonic(), len(users.received)
    while time.monotonic() < deadline:
        time.sleep(0.5)
        if _is_busy(system, users) or len(users.received) > received_count:
            quiet_since, received_count = time.monotonic(), len(users.received)
        if time.monotonic() > quiet_since + MIN_QUIET_SECONDS:
            return True
    return False


def _is_busy(system: SystemUnderTest, users: SimulatedUsers) -> bool:
    try:
        return (
            system.count_waiting() > 0
            or not users.is_everything_read()
            or bool(users.get_pending_reminders())
        )
    except RedisError:
        return True


def _build_result(
    system: SystemUnderTest,
    plan: StormPlan,
    users: SimulatedUsers,
    injector: FaultInjector,
    model: FaultyModel,
    storm_seconds: float,
    *,
    is_quiet: bool,
) -> StormResult:
    verifier = Verifier(users.sent, users.received.values(), system.count_effects())
    log = SendLog.read(system.suite.state_dir / "logs", system.sender)
    senders = [
        fault for fault in injector.fault_records if fault.process_name.startswith(system.sender)
    ]
    outages = [fault for fault in injector.fault_records if fault.process_name == "redis"]
    return StormResult(
        plan=plan,
        verifier=verifier,
        fault_records=injector.fault_records,
        unexplained_duplicates=find_unexplained(
            verifier.duplicates, senders, log, outages, plan.timings
        ),
        unconfirmed_sends=log.unconfirmed.total(),
        dead_letter_count=system.count_dead_letters(),
        model_fault_count=sum(model.fault_counts.values()),
        sender=system.sender,
        storm_seconds=storm_seconds,
        skipped_fault_count=injector.remaining_count,
        is_quiet=is_quiet,
    )
