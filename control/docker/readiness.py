"""Waiting for containers to become healthy while Compose starts them."""

import re
import time
from collections.abc import Iterable

from control.docker import timeouts
from control.docker.compose import Compose
from control.docker.compose_process import ComposeProcess
from control.docker.container import Container
from control.start_messages import ComponentFailure
from control.terminal import Terminal, format_seconds

_RELEVANT_OUTPUT = re.compile(
    r"\[[^\]]+\] (RUN|COPY|FROM) .*|Container \S+ .*|exporting .*|\S+ Pulling.*"
)
"""Lines of Compose that are shown as progress."""


def extract_progress(line: str) -> str:
    """Return the part of a line that is worth showing; empty if there is none."""
    found = _RELEVANT_OUTPUT.search(line)
    return found[0] if found else ""


class ContainerReadinessWaiter:
    """Tracks which containers are healthy and which have failed."""

    def __init__(self, compose: Compose, terminal: Terminal, *, with_dependencies: bool) -> None:
        self._compose = compose
        self._terminal = terminal
        self._with_dependencies = with_dependencies
        """Whether the dependencies of the services are watched too."""
        self._names: frozenset[str] = frozenset()
        self._started_at = self._last_progress_at = time.monotonic()
        self._previous: dict[str, Container] = {}
        self._unready: list[Container] = []
        self._reported: set[str] = set()
        self._process: ComposeProcess | None = None

    def run_up(self, names: Iterable[str], *arguments: str) -> None:
        """Run `docker compose up` until it ends or cannot succeed any more.

        Raises ControlError if it fails and no container gives a reason.
        """
        self._names = frozenset(names)
        self._previous = {one.id: one for one in self._compose.list_containers()}
        self._last_progress_at = time.monotonic()
        with self._compose.start_process(*arguments) as self._process:
            self._watch(self._process)
            is_abandoned = self._process.is_running
            call, self._process = self._process, None
            if call.has_failed and not is_abandoned:
                self._raise_unless_explained(call)

    def wait(self) -> tuple[ComponentFailure, ...]:
        """Show each container that becomes healthy. Return those that do not."""
        self._poll()
        while self._unready and not self._is_hopeless():
            self._show_waiting()
            time.sleep(timeouts.POLL_SECONDS)
            self._poll()
        self._terminal.clear_progress()
        failures = tuple(
            self._build_failure(one) for one in sorted(self._unready, key=_cause_first)
        )
        for problem in failures:
            self._terminal.print_failure(problem.name, problem.reason)
        return failures

    def _watch(self, call: ComposeProcess) -> None:
        while call.is_running:
            self._read_output(call)
            self._poll()
            if self._is_hopeless():
                return
            self._show_waiting()
            call.wait(timeouts.POLL_SECONDS)

    def _read_output(self, call: ComposeProcess) -> None:
        lines = call.read_lines()
        if lines:
            self._last_progress_at = time.monotonic()
        for line in filter(None, map(extract_progress, lines)):
            self._terminal.show_progress(f"… {line}")

    def _poll(self) -> None:
        watched = self._watched(self._compose.list_containers())
        for one in watched:
            if (
                one.is_healthy
                and one.id not in self._reported
                and not self._is_awaiting_compose(one)
            ):
                self._reported.add(one.id)
                self._last_progress_at = time.monotonic()
                self._terminal.print_success(
                    one.name, format_seconds(self._last_progress_at - self._started_at)
                )
        self._unready = [one for one in watched if not one.is_healthy or self._is_yet_to_start(one)]

    def _watched(self, containers: list[Container]) -> list[Container]:
        names = set(self._names)
        if self._with_dependencies:
            for _ in containers:  # transitively
                names.update(*(one.depends_on for one in containers if one.service in names))
        return [one for one in containers if not names or one.service in names]

    def _is_awaiting_compose(self, one: Container) -> bool:
        """Whether Compose is still working and has not touched the container yet."""
        return self._process is not None and self._is_untouched(one)

    def _is_untouched(self, one: Container) -> bool:
        known = self._previous.get(one.id)
        return known is not None and known.started_at == one.started_at

    def _is_yet_to_start(self, one: Container) -> bool:
        is_at_rest = one.state in ("created", "exited", "dead")
        return self._process is not None and is_at_rest and self._is_awaiting_compose(one)

    def _is_hopeless(self) -> bool:
        """Whether none of the missing containers can become healthy any more."""
        if not self._unready:
            return False
        is_late = self._is_idle_for(timeouts.START_TIMEOUT_SECONDS)
        return is_late or all(self._has_failed(one) for one in self._unready)

    def _has_failed(self, one: Container) -> bool:
        """Whether waiting longer will not help, as far as this container is concerned."""
        if one.state == "created" or self._is_yet_to_start(one):
            return self._process is None or any(
                map(self._has_failed, self._unready_dependencies(one))
            )
        if one.state in ("exited", "dead"):
            return True
        if self._count_restarts(one) >= timeouts.MAX_FAILURES and not one.is_task:
            return True
        return bool(one.health_error) and self._is_idle_for(timeouts.UNHEALTHY_TIMEOUT_SECONDS)

    def _is_idle_for(self, duration: float) -> bool:
        return time.monotonic() > self._last_progress_at + duration

    def _count_restarts(self, one: Container) -> int:
        """Return the number of restarts since this wait began."""
        known = self._previous.get(one.id)
        before = known.restarts if known else 0
        return one.restarts - before if one.restarts >= before else one.restarts

    def _unready_dependencies(self, one: Container) -> list[Container]:
        return [other for other in self._unready if other.service in one.depends_on]

    def _raise_unless_explained(self, call: ComposeProcess) -> None:
        """Raise ControlError if no container gives a reason for the failure."""
        self._poll()
        if not any(one.has_exited or one.health == "unhealthy" for one in self._unready):
            raise call.build_error()
        self._terminal.print_warning(str(call.build_error()))

    def _build_failure(self, one: Container) -> ComponentFailure:
        is_untouched = one.state == "exited" and self._is_untouched(one)
        if is_untouched and (waits := one.describe_unmet_dependencies(self._unready)):
            return ComponentFailure(one.name, waits)
        reason = self._compose.explain_unhealthy(one, self._unready)
        return ComponentFailure(one.name, reason, self._compose.read_log_tail(one))

    def _show_waiting(self) -> None:
        if self._unready:
            names = ", ".join(one.name for one in self._unready)
            elapsed = time.monotonic() - self._started_at
            self._terminal.show_waiting(f"… {elapsed:.0f} s, waiting for {names}")


def _cause_first(one: Container) -> tuple[bool, bool]:
    return one.state == "created", not one.has_exited
