"""Waiting for components to become healthy."""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from control import exit_reasons
from control.errors import ControlError
from control.health import HealthStatus
from control.local import timeouts
from control.local.component import Component
from control.local.run_directory import ComponentStatus, DesiredState
from control.local.suite import Suite
from control.start_messages import ComponentFailure
from control.terminal import Terminal, format_seconds

START_TIMEOUT_SECONDS = 60.0
"""Seconds for all services, after databases and schema are ready; also for each of the latter."""
UNHEALTHY_TIMEOUT_SECONDS = 30.0
"""Seconds to wait for a component from its first answer on, which names a missing dependency."""
MAX_FAILURES = 3
"""After this many consecutive exits a component has failed."""
_NO_LONGER_DESIRED = "is no longer wanted: another command has stopped it"


def check_components_health(components: Iterable[Component]) -> dict[str, HealthStatus]:
    """Check all components at the same time."""
    checks = [(part.name, part.check_health) for part in components if part.check_health]
    if not checks:
        return {}
    with ThreadPoolExecutor(max_workers=len(checks)) as threads:
        results = threads.map(lambda item: item[1](), checks)
        return dict(zip((name for name, _ in checks), results, strict=True))


@dataclass
class ReadinessWaiter:
    """Tracks which of the required components are healthy."""

    suite: Suite
    required: frozenset[str]
    terminal: Terminal
    start_timeout: float = START_TIMEOUT_SECONDS
    unhealthy_timeout: float = UNHEALTHY_TIMEOUT_SECONDS
    _started_at: dict[str, float] = field(default_factory=dict)
    _healthy: set[str] = field(default_factory=set)
    _reasons: dict[str, str] = field(default_factory=dict)
    _responding_since: dict[str, float] = field(default_factory=dict)
    """When components that run and report a problem themselves began to do so."""
    _status: Mapping[str, ComponentStatus] = field(default_factory=dict)
    _desired_states: Mapping[str, DesiredState] = field(default_factory=dict)

    def wait(self) -> tuple[ComponentFailure, ...]:
        """Show each component that becomes healthy. Return those that do not within the timeout.

        Raises ControlError if the supervisor ends meanwhile.
        """
        self._desired_states = self.suite.run_directory.read_desired_states()
        started_at = since = time.monotonic()
        while self._unready():
            before = len(self._unready_prerequisites())
            self._poll()
            if len(self._unready_prerequisites()) != before:
                since = time.monotonic()
            waited = time.monotonic() - since
            if waited > self.start_timeout or self._is_hopeless():
                break
            self._show_waiting(started_at)
            time.sleep(timeouts.POLL_SECONDS)
        self.terminal.clear_progress()
        failures = tuple(self._build_failure(part) for part in self._unready())
        for problem in failures:
            self.terminal.print_failure(problem.name, problem.reason)
        return failures

    def _build_failure(self, component: Component) -> ComponentFailure:
        reason = self._reasons.get(component.name, "has not started")
        status = self._status.get(component.name)
        log = self.suite.run_directory.log_file(component.name)
        return ComponentFailure(
            component.name,
            reason,
            exit_reasons.read_log_tail(log, status.log_offset if status else 0),
        )

    def _unready(self) -> list[Component]:
        required = (part for part in self.suite.components if part.name in self.required)
        return [part for part in required if part.name not in self._healthy]

    def _unready_prerequisites(self) -> list[Component]:
        return [part for part in self._unready() if part.kind != "service"]

    def _poll(self) -> None:
        if self.suite.run_directory.find_supervisor() is None:
            self.suite.run_directory.remove_orphaned_environment()
            last = exit_reasons.read_last_log_line(self.suite.run_directory.log_file("supervisor"))
            raise ControlError(f"the supervisor has ended: {last}")
        self._status = self.suite.run_directory.read_status()
        missing, desired_states = self._unready(), self.suite.run_directory.read_desired_states()
        results = check_components_health(
            part for part in missing if self._current_state(part) == "running"
        )
        for part in missing:
            if _is_no_longer_desired(part, desired_states):
                self._reasons[part.name] = _NO_LONGER_DESIRED
            else:
                self._evaluate(part, results.get(part.name))

    def _evaluate(self, component: Component, health: HealthStatus | None) -> None:
        state = self._current_state(component)
        if state in ("starting", "running", "done"):
            self._started_at.setdefault(component.name, time.monotonic())
        if state == "done" or (health and health.is_healthy):
            self._healthy.add(component.name)
            self.terminal.print_success(
                component.name, format_seconds(time.monotonic() - self._started_at[component.name])
            )
        else:
            self._reasons[component.name] = self._describe_state(component, state, health)
            if component.kind == "service" and health and health.has_answered:
                self._responding_since.setdefault(component.name, time.monotonic())
            else:
                self._responding_since.pop(component.name, None)

    def _current_state(self, component: Component) -> str:
        """Return the state if it belongs to the desired generation, else "waiting"."""
        status = self._status.get(component.name)
        desired = self._desired_states.get(component.name)
        if status is None or (desired and status.generation < desired.generation):
            return "waiting"
        return status.state

    def _describe_state(self, component: Component, state: str, health: HealthStatus | None) -> str:
        status = self._status.get(component.name)
        if state == "waiting":
            needs = self._unmet_dependencies(component)
            return f"waits for {', '.join(needs)}" if needs else "has not started"
        if state == "running" and health and status:
            log = self.suite.run_directory.log_file(component.name)
            last_line = status.exit_reason or exit_reasons.read_last_log_line(
                log, status.log_offset
            )
            return (
                health.detail
                if health.has_answered or not last_line
                else f"{health.detail}: {last_line}"
            )
        return status.exit_reason if status and status.exit_reason else f"is {state}"

    def _unmet_dependencies(self, component: Component) -> list[str]:
        return [name for name in component.depends_on if name not in self._healthy]

    def _is_hopeless(self) -> bool:
        """Whether every missing component has failed or waits for one that has."""
        left = [
            part for part in self._unready() if self._reasons.get(part.name) != _NO_LONGER_DESIRED
        ]
        lost = [part for part in left if self._has_failed(part)]
        waiting = [
            part
            for part in left
            if self._current_state(part) == "waiting" and self._unmet_dependencies(part)
        ]
        return not left or (bool(lost) and len(lost) + len(waiting) == len(left))

    def _has_failed(self, component: Component) -> bool:
        """Whether waiting longer will not help."""
        state = self._current_state(component)
        if state == "waiting":
            return False
        since = self._responding_since.get(component.name)
        if since is not None and time.monotonic() - since > self.unhealthy_timeout:
            return True
        if state == "failing" and self._status[component.name].consecutive_failures >= MAX_FAILURES:
            return True
        return bool(exit_reasons.PERMANENT_FAILURE.search(self._reasons.get(component.name, "")))

    def _show_waiting(self, started_at: float) -> None:
        missing = self._unready()
        if missing:
            names = ", ".join(part.name for part in missing)
            self.terminal.show_waiting(
                f"… {time.monotonic() - started_at:.0f} s, waiting for {names}"
            )


def _is_no_longer_desired(component: Component, states: Mapping[str, DesiredState]) -> bool:
    """Only additional replicas are removed from the desired states while the suite runs."""
    desired = states.get(component.name)
    return not desired.should_run if desired else bool(states) and component.is_extra_replica
