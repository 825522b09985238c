"""Waiting for components to become healthy."""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from control import exit_reasons, start_messages
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
        while self._list_unready():
            before = self._count_unready_prerequisites()
            self._poll()
            if self._count_unready_prerequisites() != before:
                since = time.monotonic()
            if time.monotonic() - since > START_TIMEOUT_SECONDS or self._is_hopeless():
                break
            if unready := self._list_unready():
                start_messages.show_waiting(self.terminal, unready, started_at)
            time.sleep(timeouts.POLL_SECONDS)
        self.terminal.clear_progress()
        failures = tuple(self._build_failure(part.name) for part in self._list_unready())
        for failure in failures:
            self.terminal.print_failure(failure.name, failure.reason)
        return failures

    def _build_failure(self, name: str) -> ComponentFailure:
        status = self._status.get(name, ComponentStatus())
        log = self.suite.run_directory.log_file(name)
        log_tail = exit_reasons.read_log_tail(log, status.log_offset)
        return ComponentFailure(name, self._reasons.get(name, "has not started"), log_tail)

    def _list_unready(self) -> list[Component]:
        required = (part for part in self.suite.components if part.name in self.required)
        return [part for part in required if part.name not in self._healthy]

    def _count_unready_prerequisites(self) -> int:
        return sum(part.kind != "service" for part in self._list_unready())

    def _poll(self) -> None:
        run_directory = self.suite.run_directory
        if run_directory.find_supervisor() is None:
            run_directory.remove_orphaned_environment()
            last = exit_reasons.explain_log_file(run_directory.log_file("supervisor"))
            raise ControlError(f"the supervisor has ended: {last}")
        self._status = run_directory.read_status()
        missing, desired_states = self._list_unready(), run_directory.read_desired_states()
        running = (part for part in missing if self._current_state(part) == "running")
        results = check_components_health(running)
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
            duration = time.monotonic() - self._started_at[component.name]
            self.terminal.print_success(component.name, format_seconds(duration))
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
            needs = self._list_unmet_dependencies(component)
            return f"waits for {', '.join(needs)}" if needs else "has not started"
        if state == "running" and health and status:
            log = self.suite.run_directory.log_file(component.name)
            cause = status.exit_reason or exit_reasons.explain_log_file(log, status.log_offset)
            has_detail = health.has_answered or not cause
            return health.detail if has_detail else f"{health.detail}: {cause}"
        return status.exit_reason if status and status.exit_reason else f"is {state}"

    def _list_unmet_dependencies(self, component: Component) -> list[str]:
        return [name for name in component.depends_on if name not in self._healthy]

    def _is_hopeless(self) -> bool:
        """Whether every missing component has failed or waits for one that has."""
        left = [
            it for it in self._list_unready() if self._reasons.get(it.name) != _NO_LONGER_DESIRED
        ]
        failed = [it for it in left if self._has_failed(it)]
        others = [it for it in left if it not in failed]
        return not left or (bool(failed) and all(map(self._waits_for_dependency, others)))

    def _waits_for_dependency(self, component: Component) -> bool:
        is_waiting = self._current_state(component) == "waiting"
        return is_waiting and bool(self._list_unmet_dependencies(component))

    def _has_failed(self, component: Component) -> bool:
        state = self._current_state(component)
        if state == "waiting":
            return False
        since = self._responding_since.get(component.name)
        if since is not None and time.monotonic() - since > UNHEALTHY_TIMEOUT_SECONDS:
            return True
        if state == "failing" and self._status[component.name].consecutive_failures >= MAX_FAILURES:
            return True
        return bool(exit_reasons.PERMANENT_FAILURE.search(self._reasons.get(component.name, "")))


def _is_no_longer_desired(component: Component, states: Mapping[str, DesiredState]) -> bool:
    """Only additional replicas are removed from the desired states while the suite runs."""
    desired = states.get(component.name)
    return not desired.should_run if desired else bool(states) and component.is_extra_replica
