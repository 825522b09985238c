"""Injects the faults of a plan, and records each with its target."""

import heapq
import itertools
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.chaos.storm.fault_record import FaultRecord
from tests.chaos.storm.plan import FaultKind, StormPlan
from tests.chaos.storm.process_freezer import ProcessFreezer
from tests.chaos.storm.system_under_test import (
    SANDBOX_TIMEOUT_SECONDS,
    SystemUnderTest,
    TargetProcess,
)

MAX_EARLY_KILLS = 2
"""Kills in a row of a process that the supervisor restarts only after a pause. The pauses are 1 and
2 s; more kills would lengthen them to half a minute, and a storm over processes that are mostly
down would show little. Then the process is spared until it has run long enough."""

MIN_AGE_SECONDS = 2.0
"""Younger processes are still starting, and are spared."""

SENDER_WEIGHT = 2
"""The sender is killed this many times as often as another service: it is the only service that
receives updates from Telegram and sends messages, so only its faults can duplicate either."""

RETRY_SECONDS = 0.5
"""Seconds until a target is looked for again if there was none."""

MAX_PENDING_TELEGRAM_FAULTS = 4
"""Faults waiting in the sandbox; with more of them, one message could meet them all."""

RESET_FAULTS = {("reset_before", "sendMessage"), ("reset_after", "sendMessage")}
MIN_RESET_INTERVAL_SECONDS = 30.0
"""Prevents that one message meets three connection resets, after which tg_bot gives it up."""

_TELEGRAM_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "too_many_requests", "method": "sendMessage", "seconds": 2},
    {"kind": "too_many_requests", "method": "sendMessage", "seconds": 5},
    {"kind": "bad_gateway", "method": "sendMessage"},
    {"kind": "internal", "method": "sendMessage"},
    {"kind": "reset_before", "method": "sendMessage"},
    {"kind": "reset_after", "method": "sendMessage"},
    {"kind": "bad_gateway", "method": "getUpdates", "times": 2},
    {"kind": "too_many_requests", "method": "getUpdates", "seconds": 2},
    {"kind": "reset_before", "method": "getUpdates"},
    {"kind": "reset_after", "method": "getUpdates"},
)


class FaultInjector:
    """Injects the faults of one storm."""

    def __init__(
        self, system: SystemUnderTest, plan: StormPlan, clock: Callable[[], float]
    ) -> None:
        self.fault_records: list[FaultRecord] = []
        self._system = system
        self._clock = clock
        self._random = random.Random(f"{plan.seed} victims")
        self._sandbox = system.suite.make_sandbox_client()
        self._sandbox.timeout = SANDBOX_TIMEOUT_SECONDS
        self._sequence = itertools.count()
        self._schedule: list[tuple[float, int, Callable[[], None]]] = []
        self._freezer = ProcessFreezer(system.freezable, self._random, plan.timings)
        self._next_reset = 0.0
        self._early_kills: Counter[str] = Counter()
        for planned in plan.plan_faults():
            if planned.kind not in system.excluded_faults:
                self._schedule_action(planned.at_seconds, self._make_action(planned.kind))

    @property
    def remaining_count(self) -> int:
        """The number of faults that have not been injected."""
        return len(self._schedule)

    def run(self, max_seconds: float) -> None:
        """Inject all faults; skip those that are left after `max_seconds`."""
        while self._schedule and self._clock() < max_seconds:
            at, _, inject = heapq.heappop(self._schedule)
            time.sleep(max(0.0, at - self._clock()))
            inject()

    def close(self) -> None:
        """Resume frozen processes, and remove the faults of the sandbox's Telegram."""
        self._freezer.resume_all()
        self._sandbox.delete("/chat/api/faults").raise_for_status()

    def _schedule_action(self, at: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._schedule, (at, next(self._sequence), action))

    def _make_action(self, kind: FaultKind) -> Callable[[], None]:
        if kind == "telegram":
            return self._inject_telegram_fault

        def inject() -> None:
            is_done = self._freeze() if kind == "stop" else self._kill(kind)
            if not is_done:
                self._schedule_action(self._clock() + RETRY_SECONDS, inject)

        return inject

    def _find_targets(self, *names: str) -> list[TargetProcess]:
        """Return the processes that may be killed or frozen now.

        A frozen one is spared, so that it comes back as a zombie without its lease.
        """
        return [
            target
            for target in self._system.list_processes()
            if target.name.startswith(names)
            and target.age_seconds > MIN_AGE_SECONDS
            and (
                target.is_restarted_immediately or self._early_kills[target.name] < MAX_EARLY_KILLS
            )
            and target.process not in self._freezer
            and target.process.is_alive
        ]

    def _is_sender(self, target: TargetProcess) -> bool:
        return target.name.startswith(self._system.sender)

    def _kill(self, kind: FaultKind) -> bool:
        """Kill a process at random. Return False if there is no target."""
        names = self._system.services if kind == "kill" else (kind.removeprefix("kill "),)
        targets = self._find_targets(*names)
        if not targets:
            return False
        weights = [SENDER_WEIGHT if self._is_sender(target) else 1 for target in targets]
        target = self._random.choices(targets, weights)[0]
        target.process.send_signal(signal.SIGKILL)
        now = time.time()
        self.fault_records.append(FaultRecord(kind, now, now, target.name))
        self._early_kills[target.name] = (
            0 if target.is_restarted_immediately else self._early_kills[target.name] + 1
        )
        return True

    def _freeze(self) -> bool:
        """Freeze a process of the name whose turn it is. Return False if there is no target."""
        name = self._freezer.draw_name()
        targets = self._find_targets(name)
        if not targets:
            self._freezer.requeue(name)
            return False
        target = self._random.choice(targets)
        self.fault_records.append(self._freezer.freeze(target))
        resume_at = self._clock() + self._freezer.draw_duration(target)
        self._schedule_action(resume_at, partial(self._freezer.resume, target.process))
        return True

    def _inject_telegram_fault(self) -> None:
        """Add a random fault to the sandbox, unless it is pending already or too many are."""
        pending = self._sandbox.get("/chat/api/faults").raise_for_status().json()["items"]
        fault = self._random.choice(_TELEGRAM_FAULTS)
        pending_keys = {(other["kind"], other["method"]) for other in pending}
        key = fault["kind"], fault["method"]
        if len(pending) >= MAX_PENDING_TELEGRAM_FAULTS or key in pending_keys:
            return
        if key in RESET_FAULTS:
            if pending_keys & RESET_FAULTS or self._clock() < self._next_reset:
                return
            self._next_reset = self._clock() + MIN_RESET_INTERVAL_SECONDS
        self._sandbox.post("/chat/api/faults", json=fault).raise_for_status()
        now = time.time()
        self.fault_records.append(
            FaultRecord("telegram", now, now, f"{fault['kind']} {fault['method']}")
        )
