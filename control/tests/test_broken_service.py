"""A service that cannot start: the output of `start`, `status` and `doctor`."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from control import environment
from control.health import HealthStatus
from control.local import readiness
from control.local.process import Process
from control.local.readiness import UNHEALTHY_TIMEOUT_SECONDS, ReadinessWaiter
from control.local.run_directory import ComponentStatus, DesiredState
from control.local.suite import Suite
from control.terminal import Terminal
from control.tests.fake_suite import FakeSuite
from smart_kit.testing.suite_harness import wait_until


@pytest.fixture
def broken_suite(home: Path) -> Iterator[FakeSuite]:
    """A suite whose rest_service always exits at once."""
    suite = FakeSuite(home, {"rest_service": "crash"})
    yield suite
    suite.manage("stop")


def test_failed_start_prints_last_log_lines_and_advice(
    broken_suite: FakeSuite, terminal: Terminal
) -> None:
    output = broken_suite.manage("start", status=1)
    assert "✗ rest_service" in output
    assert "exit status 1: RuntimeError: cannot read the plan" in output
    assert "   | RuntimeError: cannot read the plan" in output
    assert "✓ tg_bot" in output
    assert "run ./manage.py restart; more: ./manage.py logs --service rest_service" in output
    assert broken_suite.component_status("rest_service").consecutive_failures >= 3

    assert "cannot read the plan" in broken_suite.manage("status", status=1)
    restart_output = broken_suite.manage("restart", "--service", "rest_service", status=1)
    assert "   | RuntimeError: cannot read the plan" in restart_output

    found = broken_suite.findings(terminal)
    cause = "error: rest_service: exit status 1: RuntimeError: cannot read the plan"
    assert [line for line in found if line.startswith(cause)]


def test_dependents_of_a_failed_component_are_reported_as_waiting(
    home: Path, terminal: Terminal
) -> None:
    suite = FakeSuite(home, {"migrate": "crash"})
    try:
        suite.manage("start", status=1)
        rows = suite.manage("status", status=1).splitlines()
        (row,) = (row for row in rows if row.startswith("rest_service"))
        assert row.endswith("waits for migrate")
        errors = [line for line in suite.findings(terminal) if line.startswith("error")]
        assert [line.split(":")[1].strip() for line in errors] == ["migrate"]
    finally:
        suite.manage("stop")


def test_repaired_service_is_retried_at_once(broken_suite: FakeSuite) -> None:
    broken_suite.manage("start", status=1)
    broken_suite.environment["DEFAULT_MODEL"] = "fixed"
    assert "✓ rest_service" in broken_suite.manage("start", "--service", "rest_service")


def test_new_desired_state_resets_consecutive_failures(
    broken_suite: FakeSuite,
) -> None:
    broken_suite.manage("start", status=1)
    failure_count = broken_suite.component_status("rest_service").consecutive_failures
    broken_suite.manage("stop", "--service", "rest_service")
    assert failure_count >= 3
    assert broken_suite.component_status("rest_service").consecutive_failures == 0
    assert broken_suite.component_status("rest_service").restarts >= failure_count


def test_crashed_suite_is_an_error_until_stopped(suite: FakeSuite, terminal: Terminal) -> None:
    suite.manage("start")
    assert not any(line.startswith("error") for line in suite.findings(terminal))
    supervisor = suite.run_directory.find_supervisor()
    assert supervisor is not None
    processes = suite.processes()
    os.kill(supervisor.pid, signal.SIGKILL)
    for process in processes:
        process.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(process.is_alive for process in processes))
    found = [line for line in suite.findings(terminal) if line.startswith("error")]
    assert found == [
        "error: was started and not stopped, and does not run: ./manage.py start starts it again"
    ]
    suite.manage("stop")
    assert not any(line.startswith("error") for line in suite.findings(terminal))


class TestReadinessTimeouts:
    """How long a start waits, with a status that the test writes in place of a supervisor."""

    @pytest.fixture
    def waiter(self, home: Path, terminal: Terminal) -> ReadinessWaiter:
        context = FakeSuite(home).context(terminal)
        environment.ensure_secrets(home, context.environ)
        suite = Suite.from_context(context, Path("python"))
        component = next(part for part in suite.components if part.name == "tg_bot")
        suite.__dict__["components"] = (
            replace(component, check_health=lambda: self.checked_health),
        )
        suite.run_directory.create()
        me = Process.from_pid(os.getpid())
        assert me is not None
        suite.run_directory.write_supervisor(me)
        suite.run_directory.write_desired_states({"tg_bot": DesiredState(should_run=True)})
        return ReadinessWaiter(suite, frozenset({"tg_bot"}), terminal)

    checked_health = HealthStatus(is_healthy=False, detail="redis: refused")

    def test_component_that_reports_its_problem_gets_a_shorter_timeout(
        self, waiter: ReadinessWaiter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waiter.suite.run_directory.write_status({"tg_bot": ComponentStatus("running", pid=1)})
        monkeypatch.setattr(readiness, "UNHEALTHY_TIMEOUT_SECONDS", 0.0)
        (problem,) = waiter.wait()
        assert problem.reason == "redis: refused"

    def test_unresponsive_component_is_awaited_until_the_start_timeout(
        self, waiter: ReadinessWaiter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waiter.suite.run_directory.write_status({"tg_bot": ComponentStatus("running", pid=1)})
        self.checked_health = HealthStatus(False, "does not answer on port 1", has_answered=False)
        monkeypatch.setattr(readiness, "UNHEALTHY_TIMEOUT_SECONDS", 0.0)
        monkeypatch.setattr(readiness, "START_TIMEOUT_SECONDS", 0.5)
        (problem,) = waiter.wait()
        assert problem.reason == "does not answer on port 1"

    def test_slow_start_does_not_shorten_the_health_timeout(
        self, waiter: ReadinessWaiter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = 0.0

        def advance(_: float) -> None:
            nonlocal now
            now += 10.0
            health = HealthStatus(False, "does not answer on port 1", has_answered=False)
            if now > UNHEALTHY_TIMEOUT_SECONDS:
                health = HealthStatus(now > UNHEALTHY_TIMEOUT_SECONDS + 20, "redis: refused")
            self.checked_health = health

        clock = SimpleNamespace(monotonic=lambda: now, sleep=advance)
        monkeypatch.setattr(readiness, "time", clock)
        advance(0.0)
        waiter.suite.run_directory.write_status({"tg_bot": ComponentStatus("running", pid=1)})
        assert waiter.wait() == ()

    def test_component_that_failed_three_times_is_not_awaited(
        self, waiter: ReadinessWaiter
    ) -> None:
        status = ComponentStatus("failing", consecutive_failures=3, exit_reason="exit status 1: no")
        waiter.suite.run_directory.write_status({"tg_bot": status})
        waiter.suite.run_directory.log_file("tg_bot").write_text("one\n\ntwo\n")
        (problem,) = waiter.wait()
        assert (problem.reason, problem.log_tail) == ("exit status 1: no", ("one", "two"))
