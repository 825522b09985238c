"""A service that cannot start: what `start`, `status` and `doctor` say of it."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from control import environment
from control.health import Health
from control.local.process import Process
from control.local.progress import Progress
from control.local.run_directory import PartStatus, Wish
from control.local.suite import Suite
from control.terminal import Terminal
from control.tests.fake_suite import FakeSuite
from smart_kit.testing.suite import wait_until


@pytest.fixture
def broken(home: Path) -> Iterator[FakeSuite]:
    """A suite whose rest_service ends at once each time."""
    mine = FakeSuite(home, {"rest_service": "crash"})
    yield mine
    mine.manage("stop")


def test_start_ends_with_its_last_lines_and_what_to_do(
    broken: FakeSuite, terminal: Terminal
) -> None:
    said = broken.manage("start", status=1)
    assert "✗ rest_service" in said
    assert "exit status 1: RuntimeError: cannot read the plan" in said
    assert "   | RuntimeError: cannot read the plan" in said
    assert "✓ tg_bot" in said
    assert "run ./manage.py restart; more: ./manage.py logs --service rest_service" in said
    assert broken.part("rest_service").failures >= 3

    assert "cannot read the plan" in broken.manage("status", status=1)
    again = broken.manage("restart", "--service", "rest_service", status=1)
    assert "   | RuntimeError: cannot read the plan" in again

    found = broken.findings(terminal)
    cause = "wrong: rest_service: exit status 1: RuntimeError: cannot read the plan"
    assert [line for line in found if line.startswith(cause)]


def test_what_waits_for_the_cause_is_told_as_waiting_and_not_as_another_fault(
    home: Path, terminal: Terminal
) -> None:
    suite = FakeSuite(home, {"migrate": "crash"})
    try:
        suite.manage("start", status=1)
        rows = suite.manage("status", status=1).splitlines()
        (row,) = (row for row in rows if row.startswith("rest_service"))
        assert row.endswith("waits for migrate")
        wrong = [line for line in suite.findings(terminal) if line.startswith("wrong")]
        assert [line.split(":")[1].strip() for line in wrong] == ["migrate"]
    finally:
        suite.manage("stop")


def test_a_service_that_was_mended_is_tried_again_at_once(broken: FakeSuite) -> None:
    broken.manage("start", status=1)
    broken.environment["DEFAULT_MODEL"] = "mended"
    assert "✓ rest_service" in broken.manage("start", "--service", "rest_service")


def test_failures_are_counted_in_a_row_and_forgotten_by_a_new_wish(broken: FakeSuite) -> None:
    broken.manage("start", status=1)
    counted = broken.part("rest_service").failures
    broken.manage("stop", "--service", "rest_service")
    assert counted >= 3
    assert broken.part("rest_service").failures == 0
    assert broken.part("rest_service").restarts >= counted


def test_a_suite_that_was_not_stopped_and_does_not_run_is_wrong(
    suite: FakeSuite, terminal: Terminal
) -> None:
    suite.manage("start")
    assert not any(line.startswith("wrong") for line in suite.findings(terminal))
    supervisor = suite.run.supervisor()
    assert supervisor is not None
    processes = suite.processes()
    os.kill(supervisor.pid, signal.SIGKILL)
    for process in processes:
        process.send(signal.SIGKILL)
    wait_until(lambda: not any(process.lives for process in processes))
    found = [line for line in suite.findings(terminal) if line.startswith("wrong")]
    assert found == [
        "wrong: was started and not stopped, and does not run: ./manage.py start starts it again"
    ]
    suite.manage("stop")
    assert not any(line.startswith("wrong") for line in suite.findings(terminal))


class TestPatience:
    """How long a start waits, with a status that a test writes in place of a supervisor."""

    @pytest.fixture
    def waiting(self, home: Path, terminal: Terminal) -> Progress:
        context = FakeSuite(home).context(terminal)
        environment.complete(home, context.environ)
        mine = Suite.of(context, Path("python"))
        part = next(part for part in mine.parts if part.name == "tg_bot")
        mine.__dict__["parts"] = (replace(part, health=lambda: self.answer),)
        mine.run.make()
        me = Process.of(os.getpid())
        assert me is not None
        mine.run.write_supervisor(me)
        mine.run.write_wishes({"tg_bot": Wish(run=True)})
        return Progress(mine, frozenset({"tg_bot"}), terminal, 60.0, 60.0)

    answer = Health(ok=False, detail="redis: refused")

    def test_what_says_itself_what_it_misses_is_waited_for_less_long(
        self, waiting: Progress
    ) -> None:
        waiting.suite.run.write_status({"tg_bot": PartStatus("running", pid=1)})
        waiting.answering_timeout = 0.0
        (problem,) = waiting.wait()
        assert problem.reason == "redis: refused"

    def test_what_does_not_answer_is_waited_for_until_the_end(self, waiting: Progress) -> None:
        waiting.suite.run.write_status({"tg_bot": PartStatus("running", pid=1)})
        self.answer = Health(False, "does not answer on port 1", answered=False)
        waiting.answering_timeout, waiting.start_timeout = 0.0, 0.5
        (problem,) = waiting.wait()
        assert problem.reason == "does not answer on port 1"

    def test_what_has_ended_three_times_is_not_waited_for(self, waiting: Progress) -> None:
        status = PartStatus("failing", failures=3, reason="exit status 1: no")
        waiting.suite.run.write_status({"tg_bot": status})
        waiting.suite.run.log("tg_bot").write_text("one\n\ntwo\n")
        (problem,) = waiting.wait()
        assert (problem.reason, problem.last_lines) == ("exit status 1: no", ("one", "two"))
