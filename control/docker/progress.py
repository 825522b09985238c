"""Watching containers while Compose starts them, and showing it."""

import re
import time
from collections.abc import Iterable

from control.docker import timeouts
from control.docker.call import Call
from control.docker.compose import Compose
from control.docker.container import Container
from control.problem import Problem
from control.terminal import Terminal, seconds

_NEWS = re.compile(r"\[[^\]]+\] (RUN|COPY|FROM) .*|Container \S+ .*|exporting .*|\S+ Pulling.*")
"""What Compose says that tells an operator something."""


def news(line: str) -> str:
    """What is worth showing of a line of Compose; empty where nothing is."""
    found = _NEWS.search(line)
    return found[0] if found else ""


class Progress:
    """Which containers are well by now, and which of the others are given up."""

    def __init__(self, compose: Compose, terminal: Terminal, *, with_needs: bool) -> None:
        self._compose = compose
        self._terminal = terminal
        self._with_needs = with_needs
        """Whether what a service waits for is watched with it."""
        self._names: frozenset[str] = frozenset()
        self._begun = self._moved_at = time.monotonic()
        self._before: dict[str, Container] = {}
        self._missing: list[Container] = []
        self._shown: set[str] = set()
        self._call: Call | None = None

    def follow(self, names: Iterable[str], *arguments: str) -> None:
        """Run a `docker compose up` of these services, or all, until it ends or is in vain.

        Raises ControlError where it fails and no container tells why.
        """
        self._names = frozenset(names)
        self._before = {one.id: one for one in self._compose.containers()}
        self._moved_at = time.monotonic()
        with self._compose.call(*arguments) as self._call:
            self._watch(self._call)
            is_in_vain = self._call.is_running
            call, self._call = self._call, None
            if call.has_failed and not is_in_vain:
                self._explain(call)

    def wait(self) -> tuple[Problem, ...]:
        """Show each container as it gets well; returns those that are given up."""
        self._look()
        while self._missing and not self._is_over():
            self._show_waiting()
            time.sleep(timeouts.POLL)
            self._look()
        self._terminal.settle()
        problems = tuple(self._problem(one) for one in sorted(self._missing, key=_cause_first))
        for problem in problems:
            self._terminal.failed(problem.name, problem.reason)
        return problems

    def _watch(self, call: Call) -> None:
        while call.is_running:
            self._hear(call)
            self._look()
            if self._is_over():
                return
            self._show_waiting()
            call.pause(timeouts.POLL)

    def _hear(self, call: Call) -> None:
        lines = call.heard()
        if lines:
            self._moved_at = time.monotonic()
        for line in filter(None, map(news, lines)):
            self._terminal.busy(f"… {line}")

    def _look(self) -> None:
        watched = self._watched(self._compose.containers())
        for one in watched:
            if one.is_well and one.id not in self._shown and not self._is_as_before(one):
                self._shown.add(one.id)
                self._moved_at = time.monotonic()
                self._terminal.done(one.name, seconds(self._moved_at - self._begun))
        self._missing = [one for one in watched if not one.is_well or self._is_yet_to_start(one)]

    def _watched(self, containers: list[Container]) -> list[Container]:
        names = set(self._names)
        if self._with_needs:
            for _ in containers:  # what a need needs, and so on
                names.update(*(one.needs for one in containers if one.service in names))
        return [one for one in containers if not names or one.service in names]

    def _is_as_before(self, one: Container) -> bool:
        """Whether Compose is at work and has not touched it yet."""
        return self._call is not None and self._is_untouched(one)

    def _is_untouched(self, one: Container) -> bool:
        known = self._before.get(one.id)
        return known is not None and known.started_at == one.started_at

    def _is_yet_to_start(self, one: Container) -> bool:
        is_at_rest = one.state in ("created", "exited", "dead")
        return self._call is not None and is_at_rest and self._is_as_before(one)

    def _is_over(self) -> bool:
        """Whether waiting longer is in vain."""
        if not self._missing:
            return False
        is_late = self._is_idle_for(timeouts.START)
        return is_late or all(self._is_decided(one) for one in self._missing)

    def _is_decided(self, one: Container) -> bool:
        """Whether waiting longer will not make it well, or it waits for a server outside."""
        if one.state == "created" or self._is_yet_to_start(one):
            return self._call is None or any(map(self._is_decided, self._needs(one)))
        if one.state in ("exited", "dead"):
            return True
        if self._ends(one) >= timeouts.ENDS and not one.is_task:
            return True
        return bool(one.complaint) and self._is_idle_for(timeouts.SPEAKING)

    def _is_idle_for(self, duration: float) -> bool:
        return time.monotonic() > self._moved_at + duration

    def _ends(self, one: Container) -> int:
        """How often it has ended and been started again since we began."""
        known = self._before.get(one.id)
        before = known.restarts if known else 0
        return one.restarts - before if one.restarts >= before else one.restarts

    def _needs(self, one: Container) -> list[Container]:
        """What it waits for."""
        return [other for other in self._missing if other.service in one.needs]

    def _explain(self, call: Call) -> None:
        """Raises ControlError where no container has a reason of its own for the failure."""
        self._look()
        if not any(one.has_ended or one.health == "unhealthy" for one in self._missing):
            raise call.error()
        self._terminal.warn(str(call.error()))

    def _problem(self, one: Container) -> Problem:
        is_untouched = one.state == "exited" and self._is_untouched(one)
        if is_untouched and (waits := one.waits_for(self._missing)):
            return Problem(one.name, waits)
        reason = self._compose.why_unwell(one, self._missing)
        return Problem(one.name, reason, self._compose.last_lines(one))

    def _show_waiting(self) -> None:
        if self._missing:
            names = ", ".join(one.name for one in self._missing)
            elapsed = time.monotonic() - self._begun
            self._terminal.waiting(f"… {elapsed:.0f} s, waiting for {names}")


def _cause_first(one: Container) -> tuple[bool, bool]:
    return one.state == "created", not one.has_ended
