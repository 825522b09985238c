"""Waiting for parts to get well, and showing it."""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from control import reasons
from control.errors import ControlError
from control.health import Health
from control.local.part import Part
from control.local.run_directory import PartStatus, Wish
from control.local.suite import Suite
from control.problem import Problem
from control.terminal import Terminal, seconds

PATIENCE = 30.0
"""Seconds the services get once databases and schema are there; as long for these."""
_POLL = 0.1
_TAKEN_BACK = "is no longer wished for: another command has taken it back"


def healths(parts: Iterable[Part]) -> dict[str, Health]:
    """Ask all of them at once."""
    asked = [(part.name, part.health) for part in parts if part.health]
    if not asked:
        return {}
    with ThreadPoolExecutor(max_workers=len(asked)) as threads:
        answers = threads.map(lambda item: item[1](), asked)
        return dict(zip((name for name, _ in asked), answers, strict=True))


@dataclass
class Progress:
    """Which of some parts are well by now."""

    suite: Suite
    wanted: frozenset[str]
    terminal: Terminal
    patience: float = PATIENCE
    _begun: dict[str, float] = field(default_factory=dict)
    _well: set[str] = field(default_factory=set)
    _why: dict[str, str] = field(default_factory=dict)
    _status: Mapping[str, PartStatus] = field(default_factory=dict)
    _wishes: Mapping[str, Wish] = field(default_factory=dict)

    def wait(self) -> tuple[Problem, ...]:
        """Show each part as it gets well; returns the others, and why, when patience is at its end.

        Raises ControlError if the supervisor ends meanwhile.
        """
        self._wishes = self.suite.run.wishes()
        begun = time.monotonic()
        deadline = begun + self.patience
        while self._missing():
            before = len(self._foundation())
            self._look()
            if len(self._foundation()) != before:
                deadline = time.monotonic() + self.patience
            if self._is_hopeless() or time.monotonic() > deadline:
                break
            self._show_waiting(begun)
            time.sleep(_POLL)
        self.terminal.settle()
        problems = tuple(self._problem(part) for part in self._missing())
        for problem in problems:
            self.terminal.failed(problem.name, problem.reason)
        return problems

    def _problem(self, part: Part) -> Problem:
        reason = self._why.get(part.name, "has not started")
        return Problem(part.name, reason, reasons.last_lines(self.suite.run.log(part.name)))

    def _missing(self) -> list[Part]:
        shown = (part for part in self.suite.parts if part.name in self.wanted)
        return [part for part in shown if part.name not in self._well]

    def _foundation(self) -> list[Part]:
        return [part for part in self._missing() if part.kind != "service"]

    def _look(self) -> None:
        if self.suite.run.supervisor() is None:
            self.suite.run.forget_orphan()
            last = reasons.last_words(self.suite.run.log("supervisor"))
            raise ControlError(f"the supervisor has ended: {last}")
        self._status = self.suite.run.status()
        missing, wishes = self._missing(), self.suite.run.wishes()
        answers = healths(part for part in missing if self._state(part) == "running")
        for part in missing:
            if _is_taken_back(part, wishes):
                self._why[part.name] = _TAKEN_BACK
            else:
                self._judge(part, answers.get(part.name))

    def _judge(self, part: Part, health: Health | None) -> None:
        state = self._state(part)
        if state in ("starting", "running", "done"):
            self._begun.setdefault(part.name, time.monotonic())
        if state == "done" or (health and health.ok):
            self._well.add(part.name)
            self.terminal.done(part.name, seconds(time.monotonic() - self._begun[part.name]))
        else:
            self._why[part.name] = self._reason(part, state, health)

    def _state(self, part: Part) -> str:
        """The state, where it is that of the wished-for generation."""
        status = self._status.get(part.name)
        wish = self._wishes.get(part.name)
        if status is None or (wish and status.generation < wish.generation):
            return "waiting"
        return status.state

    def _reason(self, part: Part, state: str, health: Health | None) -> str:
        status = self._status.get(part.name)
        if state == "waiting":
            needs = [name for name in part.after if name not in self._well]
            return f"waits for {', '.join(needs)}" if needs else "has not started"
        if state == "running" and health and status:
            log = self.suite.run.log(part.name)
            words = status.reason or reasons.last_words(log, status.log_start)
            silent = health.detail.startswith("does not listen")
            return f"{health.detail}: {words}" if silent and words else health.detail
        return status.reason if status and status.reason else f"is {state}"

    def _is_hopeless(self) -> bool:
        """What is missing will not heal, or waits for what will not."""
        known = [self._why.get(part.name, "") for part in self._missing()]
        whys = [why for why in known if why != _TAKEN_BACK]
        hopeless = [bool(reasons.HOPELESS.search(why)) for why in whys]
        waiting = [why.startswith("waits for") for why in whys]
        return not whys or (any(hopeless) and all(map(max, hopeless, waiting)))

    def _show_waiting(self, begun: float) -> None:
        missing = self._missing()
        if missing:
            names = ", ".join(part.name for part in missing)
            self.terminal.busy(f"… {time.monotonic() - begun:.0f} s, waiting for {names}")


def _is_taken_back(part: Part, wishes: Mapping[str, Wish]) -> bool:
    """Only a further replica ever leaves the wishes while the suite runs."""
    wish = wishes.get(part.name)
    return not wish.run if wish else bool(wishes) and part.is_further
