"""Waiting for parts to get well, and showing it."""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from control import reasons
from control.errors import ControlError
from control.health import Health
from control.local import timeouts
from control.local.part import Part
from control.local.run_directory import PartStatus, Wish
from control.local.suite import Suite
from control.problem import Problem
from control.terminal import Terminal, seconds

START_TIMEOUT = 60.0
"""Seconds that services get once databases and schema are there; as long for each of these."""
ANSWERING_TIMEOUT = 30.0
"""Seconds after which nobody waits longer for parts that run and say themselves what they miss."""
MOST_FAILURES = 3
"""How often in a row a part ends before nobody waits for it any longer."""
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
    start_timeout: float = START_TIMEOUT
    answering_timeout: float = ANSWERING_TIMEOUT
    _begun: dict[str, float] = field(default_factory=dict)
    _well: set[str] = field(default_factory=set)
    _why: dict[str, str] = field(default_factory=dict)
    _answering: set[str] = field(default_factory=set)
    """Those that run and say themselves what they miss."""
    _status: Mapping[str, PartStatus] = field(default_factory=dict)
    _wishes: Mapping[str, Wish] = field(default_factory=dict)

    def wait(self) -> tuple[Problem, ...]:
        """Show each part as it gets well; returns the others, and why, when the time is up.

        Raises ControlError if the supervisor ends meanwhile.
        """
        self._wishes = self.suite.run.wishes()
        begun = since = time.monotonic()
        while self._missing():
            before = len(self._foundation())
            self._look()
            if len(self._foundation()) != before:
                since = time.monotonic()
            waited = time.monotonic() - since
            if waited > self.start_timeout or self._is_decided(waited):
                break
            self._show_waiting(begun)
            time.sleep(timeouts.POLL)
        self.terminal.settle()
        problems = tuple(self._problem(part) for part in self._missing())
        for problem in problems:
            self.terminal.failed(problem.name, problem.reason)
        return problems

    def _problem(self, part: Part) -> Problem:
        reason = self._why.get(part.name, "has not started")
        status = self._status.get(part.name)
        log = self.suite.run.log(part.name)
        return Problem(
            part.name, reason, reasons.last_lines(log, status.log_start if status else 0)
        )

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
            if part.kind == "service" and health and health.answered:
                self._answering.add(part.name)
            else:
                self._answering.discard(part.name)

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
            needs = self._needs(part)
            return f"waits for {', '.join(needs)}" if needs else "has not started"
        if state == "running" and health and status:
            log = self.suite.run.log(part.name)
            words = status.reason or reasons.last_words(log, status.log_start)
            return health.detail if health.answered or not words else f"{health.detail}: {words}"
        return status.reason if status and status.reason else f"is {state}"

    def _needs(self, part: Part) -> list[str]:
        return [name for name in part.after if name not in self._well]

    def _is_decided(self, waited: float) -> bool:
        """Whether what is missing will not come, or waits for what will not."""
        left = [part for part in self._missing() if self._why.get(part.name) != _TAKEN_BACK]
        lost = [part for part in left if self._is_lost(part, waited)]
        waiting = [part for part in left if self._state(part) == "waiting" and self._needs(part)]
        return not left or (bool(lost) and len(lost) + len(waiting) == len(left))

    def _is_lost(self, part: Part, waited: float) -> bool:
        """Whether more waiting will not make it well, `waited` seconds after the last progress."""
        state = self._state(part)
        if state == "waiting":
            return False
        if part.name in self._answering and waited > self.answering_timeout:
            return True
        if state == "failing" and self._status[part.name].failures >= MOST_FAILURES:
            return True
        return bool(reasons.HOPELESS.search(self._why.get(part.name, "")))

    def _show_waiting(self, begun: float) -> None:
        missing = self._missing()
        if missing:
            names = ", ".join(part.name for part in missing)
            self.terminal.waiting(f"… {time.monotonic() - begun:.0f} s, waiting for {names}")


def _is_taken_back(part: Part, wishes: Mapping[str, Wish]) -> bool:
    """Only a further replica ever leaves the wishes while the suite runs."""
    wish = wishes.get(part.name)
    return not wish.run if wish else bool(wishes) and part.is_further
