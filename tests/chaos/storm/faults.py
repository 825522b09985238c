"""Carries out the faults of a plan, and writes down what it has done to whom."""

import heapq
import itertools
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.chaos.storm.hit import Hit
from tests.chaos.storm.plan import Blow, Plan
from tests.chaos.storm.stops import Stops
from tests.chaos.storm.system import PATIENCE, System, Victim

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
"""How soon another victim is looked for where there was none."""

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


class Faults:
    """One storm's."""

    def __init__(self, system: System, plan: Plan, clock: Callable[[], float]) -> None:
        self.hits: list[Hit] = []
        self._system = system
        self._clock = clock
        self._dice = random.Random(f"{plan.seed} victims")
        self._sandbox = system.suite.sandbox()
        self._sandbox.timeout = PATIENCE
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._stops = Stops(system.zombies, self._dice, plan.timings)
        self._next_reset = 0.0
        self._young: Counter[str] = Counter()
        for strike in plan.strikes():
            if strike.blow not in system.spared:
                self._add(strike.at, self._blow(strike.blow))

    @property
    def left(self) -> int:
        """How many have not been carried out."""
        return len(self._due)

    def rage(self, most_seconds: float) -> None:
        """Carry out all of it; what is left after so many seconds is left out."""
        while self._due and self._clock() < most_seconds:
            at, _, act = heapq.heappop(self._due)
            time.sleep(max(0.0, at - self._clock()))
            act()

    def end(self) -> None:
        """Whoever is stopped goes on, and Telegram answers."""
        self._stops.resume_all()
        self._sandbox.delete("/chat/api/faults").raise_for_status()

    def _add(self, at: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (at, next(self._order), act))

    def _blow(self, blow: Blow) -> Callable[[], None]:
        if blow == "telegram":
            return self._trouble

        def strike() -> None:
            is_done = self._stop() if blow == "stop" else self._kill(blow)
            if not is_done:
                self._add(self._clock() + AGAIN_SECONDS, strike)

        return strike

    def _victims(self, *names: str) -> list[Victim]:
        """Who lives and may be hit. What is stopped is left alone, so that it comes back as a
        zombie."""
        return [
            victim
            for victim in self._system.victims()
            if victim.name.startswith(names)
            and victim.age > LEAST_AGE
            and (victim.is_grown_up or self._young[victim.name] < MOST_YOUNG)
            and victim.process not in self._stops
            and victim.process.lives
        ]

    def _is_sender(self, victim: Victim) -> bool:
        return victim.name.startswith(self._system.sender)

    def _kill(self, blow: Blow) -> bool:
        """Whether there was somebody to kill."""
        names = self._system.services if blow == "kill" else (blow.removeprefix("kill "),)
        victims = self._victims(*names)
        if not victims:
            return False
        weights = [SENDER if self._is_sender(one) else 1 for one in victims]
        victim = self._dice.choices(victims, weights)[0]
        victim.process.send(signal.SIGKILL)
        now = time.time()
        self.hits.append(Hit(blow, now, now, victim.name))
        self._young[victim.name] = 0 if victim.is_grown_up else self._young[victim.name] + 1
        return True

    def _stop(self) -> bool:
        """Whether whose turn it is was there to be stopped."""
        name = self._stops.draw()
        victims = self._victims(name)
        if not victims:
            self._stops.put_back(name)
            return False
        victim = self._dice.choice(victims)
        self.hits.append(self._stops.stop(victim))
        again_at = self._clock() + self._stops.seconds(victim)
        self._add(again_at, partial(self._stops.resume, victim.process))
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
        self.hits.append(Hit("telegram", now, now, f"{trouble['kind']} {trouble['method']}"))
