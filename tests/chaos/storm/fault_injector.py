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
from tests.chaos.storm.plan import FaultKind, Plan
from tests.chaos.storm.process_freezer import ProcessFreezer
from tests.chaos.storm.system_under_test import PATIENCE, SystemUnderTest, TargetProcess

MOST_YOUNG = 2
"""So often in a row a process is killed young, which its supervisor answers with pauses of 1 and
2 s. Then it is left alone until it counts as having worked: the pauses would grow to half a minute,
and a storm over processes that are hardly ever there would show little."""

LEAST_AGE = 2.0
"""Younger ones are not there yet."""

SENDER = 2
"""So many times more often than others it is killed, because it stands alone at both of Telegram's
edges: updates come in and answers go out twice only there."""

AGAIN_SECONDS = 0.5
"""How soon another process is looked for where there was none."""

MOST_TROUBLES = 4
"""So many wait at Telegram at most, so that they do not all meet one message."""

RESETS = {("reset_before", "sendMessage"), ("reset_after", "sendMessage")}
RESET_SECONDS = 30.0
"""No message meets three of them: it would be given up, as it should be."""

_TROUBLES: tuple[dict[str, Any], ...] = (
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

    def __init__(self, system: SystemUnderTest, plan: Plan, clock: Callable[[], float]) -> None:
        self.fault_records: list[FaultRecord] = []
        self._system = system
        self._clock = clock
        self._dice = random.Random(f"{plan.seed} victims")
        self._sandbox = system.suite.sandbox()
        self._sandbox.timeout = PATIENCE
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._freezer = ProcessFreezer(system.freezable, self._dice, plan.timings)
        self._next_reset = 0.0
        self._young: Counter[str] = Counter()
        for planned in plan.planned_faults():
            if planned.kind not in system.excluded_faults:
                self._add(planned.at, self._action_of(planned.kind))

    @property
    def left(self) -> int:
        """How many have not been carried out."""
        return len(self._due)

    def run(self, most_seconds: float) -> None:
        """Carry out all of it; what is left after so many seconds is left out."""
        while self._due and self._clock() < most_seconds:
            at, _, act = heapq.heappop(self._due)
            time.sleep(max(0.0, at - self._clock()))
            act()

    def end(self) -> None:
        """Whoever is stopped goes on, and Telegram answers."""
        self._freezer.resume_all()
        self._sandbox.delete("/chat/api/faults").raise_for_status()

    def _add(self, at: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (at, next(self._order), act))

    def _action_of(self, kind: FaultKind) -> Callable[[], None]:
        if kind == "telegram":
            return self._trouble

        def inject() -> None:
            is_done = self._stop() if kind == "stop" else self._kill(kind)
            if not is_done:
                self._add(self._clock() + AGAIN_SECONDS, inject)

        return inject

    def _targets(self, *names: str) -> list[TargetProcess]:
        """The processes that live and may be killed or stopped. One that is stopped is left alone,
        so that it comes back as a zombie."""
        return [
            target
            for target in self._system.processes()
            if target.name.startswith(names)
            and target.age > LEAST_AGE
            and (target.is_grown_up or self._young[target.name] < MOST_YOUNG)
            and target.process not in self._freezer
            and target.process.lives
        ]

    def _is_sender(self, target: TargetProcess) -> bool:
        return target.name.startswith(self._system.sender)

    def _kill(self, kind: FaultKind) -> bool:
        """Whether there was somebody to kill."""
        names = self._system.services if kind == "kill" else (kind.removeprefix("kill "),)
        targets = self._targets(*names)
        if not targets:
            return False
        weights = [SENDER if self._is_sender(one) else 1 for one in targets]
        target = self._dice.choices(targets, weights)[0]
        target.process.send(signal.SIGKILL)
        now = time.time()
        self.fault_records.append(FaultRecord(kind, now, now, target.name))
        self._young[target.name] = 0 if target.is_grown_up else self._young[target.name] + 1
        return True

    def _stop(self) -> bool:
        """Whether whose turn it is was there to be stopped."""
        name = self._freezer.draw()
        targets = self._targets(name)
        if not targets:
            self._freezer.put_back(name)
            return False
        target = self._dice.choice(targets)
        self.fault_records.append(self._freezer.stop(target))
        again_at = self._clock() + self._freezer.seconds(target)
        self._add(again_at, partial(self._freezer.resume, target.process))
        return True

    def _trouble(self) -> None:
        """One that does not wait there already, unless there are too many."""
        waiting = self._sandbox.get("/chat/api/faults").raise_for_status().json()["items"]
        trouble = self._dice.choice(_TROUBLES)
        known = {(one["kind"], one["method"]) for one in waiting}
        meant = trouble["kind"], trouble["method"]
        if len(waiting) >= MOST_TROUBLES or meant in known:
            return
        if meant in RESETS:
            if known & RESETS or self._clock() < self._next_reset:
                return
            self._next_reset = self._clock() + RESET_SECONDS
        self._sandbox.post("/chat/api/faults", json=trouble).raise_for_status()
        now = time.time()
        self.fault_records.append(
            FaultRecord("telegram", now, now, f"{trouble['kind']} {trouble['method']}")
        )
