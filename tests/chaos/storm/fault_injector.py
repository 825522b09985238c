"""Injects the faults of a plan, and records each with the process that it has met."""

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
"""So often in a row a process is killed young, which its supervisor answers with pauses of 1 and
2 s. Then it is left alone until it counts as having worked: the pauses would grow to half a minute,
and a storm over processes that are hardly ever there would show little."""

MIN_AGE_SECONDS = 2.0
"""Younger ones are not there yet."""

SENDER_WEIGHT = 2
"""So many times more often than others it is killed, because it stands alone at both of Telegram's
edges: updates come in and answers go out twice only there."""

RETRY_SECONDS = 0.5
"""How soon another process is looked for where there was none."""

MAX_PENDING_TELEGRAM_FAULTS = 4
"""So many wait at Telegram at most, so that they do not all meet one message."""

RESET_FAULTS = {("reset_before", "sendMessage"), ("reset_after", "sendMessage")}
MIN_RESET_INTERVAL_SECONDS = 30.0
"""No message meets three of them: it would be given up, as it should be."""

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
        """How many have not been carried out."""
        return len(self._schedule)

    def run(self, max_seconds: float) -> None:
        """Carry out all of it; what is left after so many seconds is left out."""
        while self._schedule and self._clock() < max_seconds:
            at, _, act = heapq.heappop(self._schedule)
            time.sleep(max(0.0, at - self._clock()))
            act()

    def close(self) -> None:
        """Whoever is stopped goes on, and Telegram answers."""
        self._freezer.resume_all()
        self._sandbox.delete("/chat/api/faults").raise_for_status()

    def _schedule_action(self, at: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._schedule, (at, next(self._sequence), act))

    def _make_action(self, kind: FaultKind) -> Callable[[], None]:
        if kind == "telegram":
            return self._inject_telegram_fault

        def inject() -> None:
            is_done = self._freeze() if kind == "stop" else self._kill(kind)
            if not is_done:
                self._schedule_action(self._clock() + RETRY_SECONDS, inject)

        return inject

    def _find_targets(self, *names: str) -> list[TargetProcess]:
        """The processes that live and may be killed or stopped. One that is stopped is left alone,
        so that it comes back as a zombie."""
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
        """Whether there was somebody to kill."""
        names = self._system.services if kind == "kill" else (kind.removeprefix("kill "),)
        targets = self._find_targets(*names)
        if not targets:
            return False
        weights = [SENDER_WEIGHT if self._is_sender(one) else 1 for one in targets]
        target = self._random.choices(targets, weights)[0]
        target.process.send_signal(signal.SIGKILL)
        now = time.time()
        self.fault_records.append(FaultRecord(kind, now, now, target.name))
        self._early_kills[target.name] = (
            0 if target.is_restarted_immediately else self._early_kills[target.name] + 1
        )
        return True

    def _freeze(self) -> bool:
        """Whether whose turn it is was there to be stopped."""
        name = self._freezer.draw_name()
        targets = self._find_targets(name)
        if not targets:
            self._freezer.requeue(name)
            return False
        target = self._random.choice(targets)
        self.fault_records.append(self._freezer.freeze(target))
        again_at = self._clock() + self._freezer.draw_duration(target)
        self._schedule_action(again_at, partial(self._freezer.resume, target.process))
        return True

    def _inject_telegram_fault(self) -> None:
        """One that does not wait there already, unless there are too many."""
        waiting = self._sandbox.get("/chat/api/faults").raise_for_status().json()["items"]
        fault = self._random.choice(_TELEGRAM_FAULTS)
        known = {(one["kind"], one["method"]) for one in waiting}
        key = fault["kind"], fault["method"]
        if len(waiting) >= MAX_PENDING_TELEGRAM_FAULTS or key in known:
            return
        if key in RESET_FAULTS:
            if known & RESET_FAULTS or self._clock() < self._next_reset:
                return
            self._next_reset = self._clock() + MIN_RESET_INTERVAL_SECONDS
        self._sandbox.post("/chat/api/faults", json=fault).raise_for_status()
        now = time.time()
        self.fault_records.append(
            FaultRecord("telegram", now, now, f"{fault['kind']} {fault['method']}")
        )
