"""Waiting for containers to become healthy while Compose starts them."""

import re
import time
from collections.abc import Iterable

from control import exit_reasons, start_messages
from control.docker import engine, timeouts
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
    match = _RELEVANT_OUTPUT.search(line)
    return match[0] if match else ""


class ContainerReadinessWaiter:
    """Tracks which containers are healthy and which have failed."""

    def __init__(self, compose: Compose, terminal: Terminal, *, with_dependencies: bool) -> None:
        self._compose = compose
        self._terminal = terminal
        self._with_dependencies = with_dependencies
        self._names: frozenset[str] = frozenset()
        self._started_at = self._last_progress_at = time.monotonic()
        self._previous: dict[str, Container] = {}
        self._unready: list[Container] = []
        self._reported: set[str] = set()
        self._process: ComposeProcess | None = None

    def run_up(self, names: Iterable[str], *arguments: str) -> None:
        """Run `docker compose up` while it can succeed.

        Raises ControlError if it fails and no container gives a reason.
        """
        self._names = frozenset(names)
        self._previous = {it.id: it for it in self._compose.list_containers()}
        self._last_progress_at = time.monotonic()
        with self._compose.start_process(*arguments) as self._process:
            process = self._process
            self._watch(process)
            self._process = None
            if process.has_failed:
                self._poll()
                if not any(it.has_exited or it.health == "unhealthy" for it in self._unready):
                    raise process.build_error()
                self._terminal.print_warning(str(process.build_error()))

    def wait(self) -> tuple[ComponentFailure, ...]:
        """Show each container that becomes healthy. Return those that do not."""
        self._poll()
        while self._unready and not self._is_hopeless():
            self._show_waiting()
            time.sleep(timeouts.POLL_SECONDS)
            self._poll()
        self._terminal.clear_progress()
        # causes first
        unready = sorted(self._unready, key=lambda it: (it.state == "created", not it.has_exited))
        failures = tuple(map(self._build_failure, unready))
        for failure in failures:
            self._terminal.print_failure(failure.name, failure.reason)
        return failures

    def _watch(self, process: ComposeProcess) -> None:
        while process.is_running:
            if lines := process.read_lines():
                self._last_progress_at = time.monotonic()
            for line in filter(None, map(extract_progress, lines)):
                self._terminal.show_progress(f"… {line}")
            self._poll()
            if self._is_hopeless():
                return
            self._show_waiting()
            process.wait(timeouts.POLL_SECONDS)

    def _poll(self) -> None:
        watched = self._select_watched(self._compose.list_containers())
        for container in watched:
            is_reported = container.id in self._reported
            if (
                container.is_healthy
                and not is_reported
                and not self._is_awaiting_compose(container)
            ):
                self._reported.add(container.id)
                self._last_progress_at = time.monotonic()
                elapsed = format_seconds(self._last_progress_at - self._started_at)
                self._terminal.print_success(container.name, elapsed)
        self._unready = [it for it in watched if not it.is_healthy or self._is_yet_to_start(it)]

    def _select_watched(self, containers: list[Container]) -> list[Container]:
        names = set(self._names)
        if self._with_dependencies:
            for _ in containers:  # transitively
                names.update(*(it.depends_on for it in containers if it.service in names))
        return [it for it in containers if not names or it.service in names]

    def _is_awaiting_compose(self, container: Container) -> bool:
        """Whether Compose is still working and has not touched the container yet."""
        return self._process is not None and self._is_untouched(container)

    def _is_untouched(self, container: Container) -> bool:
        known = self._previous.get(container.id)
        return known is not None and known.started_at == container.started_at

    def _is_yet_to_start(self, container: Container) -> bool:
        is_at_rest = container.state in ("created", "exited", "dead")
        return is_at_rest and self._is_awaiting_compose(container)

    def _is_hopeless(self) -> bool:
        """Whether none of the missing containers can become healthy any more."""
        is_late = self._is_idle_for(timeouts.START_TIMEOUT_SECONDS)
        return bool(self._unready) and (is_late or all(map(self._has_failed, self._unready)))

    def _has_failed(self, container: Container) -> bool:
        """Whether waiting longer will not help, as far as this container is concerned."""
        if container.state == "created" or self._is_yet_to_start(container):
            needs = (it for it in self._unready if it.service in container.depends_on)
            return self._process is None or any(map(self._has_failed, needs))
        if container.state in ("exited", "dead"):
            return True
        if self._count_restarts(container) >= timeouts.MAX_FAILURES and not container.is_task:
            return True
        is_late = self._is_idle_for(timeouts.UNHEALTHY_TIMEOUT_SECONDS)
        return bool(container.health_error) and is_late

    def _is_idle_for(self, duration: float) -> bool:
        return time.monotonic() > self._last_progress_at + duration

    def _count_restarts(self, container: Container) -> int:
        known = self._previous.get(container.id)
        before = known.restarts if known else 0
        return container.restarts - before if container.restarts >= before else container.restarts

    def _build_failure(self, container: Container) -> ComponentFailure:
        is_untouched = container.state == "exited" and self._is_untouched(container)
        if is_untouched and (needs := container.describe_unmet_dependencies(self._unready)):
            return ComponentFailure(container.name, needs)
        reason = self._compose.explain_unhealthy(container, self._unready)
        log = engine.read_log(self._compose.environ, container.id)
        return ComponentFailure(container.name, reason, exit_reasons.tail_lines(log))

    def _show_waiting(self) -> None:
        if self._unready:
            start_messages.show_waiting(self._terminal, self._unready, self._started_at)
